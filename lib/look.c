/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/call.h"
#include "lib/core/magazine.h"
#include "lib/core/word.h"
#include "lib/error.h"
#include "lib/look.h"

static bool look_is_observer(const struct mempool *pool)
{
	return pool->access == WIRE_OBSERVER;
}

/* Whether the descriptor is still the pool's, and was not closed by the application. */
static bool look_has_file(const struct mempool *pool)
{
	struct stat st;

	return pool->control_fd >= 0 && fstat(pool->control_fd, &st) == 0 &&
	       st.st_dev == pool->control_device && st.st_ino == pool->control_inode;
}

static int look_refuse_closed(const struct mempool *pool)
{
	return fail(EBADF, "the program closed a descriptor that belongs to its open pool %s",
		    pool->name);
}

/* Reads @size bytes at @at of the bookkeeping. */
static int look_read_into(const struct mempool *pool, void *to, uint64_t at, uint64_t size)
{
	while (size > 0) {
		ssize_t n = pread(pool->control_fd, to, size, (off_t)at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return fail(errno, "cannot read the memory of %s: %s", pool->name,
				    strerror(errno));
		}
		if (n == 0) {
			return fail(EIO,
				    "%s is broken: its memory was cut short, by somebody who may "
				    "write to it; destroy it",
				    pool->name);
		}
		to = (char *)to + n;
		at += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return 0;
}

/* Reads @size bytes at @at into the same place of the copy. */
static int look_read(const struct mempool *pool, uint64_t at, uint64_t size)
{
	return look_read_into(pool, (char *)pool->control + at, at, size);
}

/* Reads the first @size bytes of the header, and checks that a header is there. */
static int look_read_header(struct mempool *pool, uint64_t size)
{
	const struct mp_header *header = pool->control;

	int error = look_read(pool, 0, size);
	if (error || header->magic == MP_MAGIC) {
		return error;
	}
	return header->magic == 0
		       ? fail(EIO,
			      "%s is gone: it was destroyed, nobody had it open to use it, and its "
			      "memory went back to the system; close it",
			      pool->name)
		       : fail(EIO,
			      "%s is broken: its header was overwritten, by somebody who may write "
			      "to it; destroy it",
			      pool->name);
}

int look_open(struct mempool *pool, int fd)
{
	uint64_t size = pool->core.shape.control_size;
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return fail(errno, "cannot read the memory of %s: %s", pool->name, strerror(errno));
	}
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (copy == MAP_FAILED) {
		return fail(ENOMEM, "no memory to read the bookkeeping of %s%s", pool->name,
			    errno == EAGAIN ? ": after mlockall() see RLIMIT_MEMLOCK" : "");
	}
	madvise(copy, size, MADV_DONTFORK);
	pool->control = copy;
	pool->control_fd = fd;
	pool->control_device = st.st_dev;
	pool->control_inode = st.st_ino;
	int error = look_read_header(pool, sizeof(struct mp_header));
	if (error) {
		pool->control_fd = -1;
		return error;
	}
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&pool->looking, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

void look_close(struct mempool *pool)
{
	if (look_has_file(pool)) {
		close(pool->control_fd);
		pthread_mutex_destroy(&pool->looking);
	}
	pool->control_fd = -1;
	if (pool->control) {
		munmap(pool->control, pool->core.shape.control_size);
	}
}

/* ---- a call ---- */

int look_begin(struct look *look, struct mempool *pool)
{
	*look = (struct look){.pool = pool};
	int error = call_check_own(pool);
	if (error || !look_is_observer(pool)) {
		return error;
	}
	/* Reads are points of cancellation. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &look->cancel);
	if (pthread_mutex_lock(&pool->looking) != 0) {
		pthread_setcancelstate(look->cancel, NULL);
		return fail(EDEADLK,
			    "a signal handler looks at %s and had interrupted a look at it: block "
			    "the signal around calls",
			    pool->name);
	}
	if (!look_has_file(pool)) {
		look_end(look);
		return look_refuse_closed(pool);
	}
	return 0;
}

void look_end(struct look *look)
{
	const struct mp_shape *shape = &look->pool->core.shape;

	if (look_is_observer(look->pool)) {
		if (look->has_read_all) {
			uint64_t kept =
				(shape->channels_at + shape->page - 1) / shape->page * shape->page;
			madvise((char *)look->pool->control + kept, shape->control_size - kept,
				MADV_DONTNEED);
		}
		pthread_mutex_unlock(&look->pool->looking);
		pthread_setcancelstate(look->cancel, NULL);
	}
}

/* Reads a part again; what has failed once is not tried again. */
static bool look_again(struct look *look, uint64_t at, uint64_t size)
{
	look->error = look->error ? look->error : look_read(look->pool, at, size);
	return look->error == 0;
}

int look_verify(struct look *look)
{
	if (look_is_observer(look->pool) && look->error == 0) {
		look->error = look_read_header(look->pool, sizeof(uint64_t));
	}
	return look->error;
}

int look_read_blocks(struct look *look, uint32_t first, uint32_t n)
{
	const struct mp_shape *shape = &look->pool->core.shape;

	look->has_read_all = true;
	if (look_is_observer(look->pool) && look_again(look, 0, shape->channels_at) &&
	    look_again(look, shape->magazines_at,
		       (uint64_t)shape->n_magazines * shape->magazine_size)) {
		look_again(look, shape->words_at + first * sizeof(union mp_word),
			   n * sizeof(union mp_word));
	}
	return look->error;
}

int look_read_all(struct look *look)
{
	return look_read_blocks(look, 0, look_born(look->pool));
}

int look_read_channels(struct look *look)
{
	const struct mp_shape *shape = &look->pool->core.shape;

	look->has_read_all = true;
	if (look_is_observer(look->pool)) {
		look_again(look, shape->channels_at, shape->words_at - shape->channels_at);
	}
	return look->error;
}

int look_read_slots(struct look *look)
{
	const struct mp_shape *shape = &look->pool->core.shape;

	if (look_is_observer(look->pool)) {
		look_again(look, shape->slots_at, shape->n_slots * sizeof(struct mp_slot));
	}
	return look->error;
}

static uint64_t look_place_of(const struct mp_pool *core, const void *at)
{
	return (uint64_t)((const char *)at - (const char *)core->header);
}

int look_read_channel(struct look *look, uint32_t number)
{
	const struct mp_pool *core = &look->pool->core;

	look->has_read_all = true;
	if (look_is_observer(look->pool)) {
		look_again(look, look_place_of(core, mp_pool_channel(core, number)),
			   core->shape.channel_size);
	}
	return look_read_slots(look);
}

int look_read_seats(struct look *look, uint32_t number)
{
	const struct mp_pool *core = &look->pool->core;

	if (look_is_observer(look->pool)) {
		look_again(look, look_place_of(core, mp_pool_channel(core, number)),
			   sizeof(struct mp_channel));
	}
	return look->error;
}

/* Reads who has a FREE block: its magazine's holder, and the owner of a cache. */
static void look_read_holder(struct look *look, uint32_t magazine)
{
	const struct mp_pool *core = &look->pool->core;

	if (magazine >= core->shape.n_magazines) {
		return;
	}
	const struct mp_magazine *m = mp_magazine(core, magazine);
	if (!look_again(look, look_place_of(core, m), sizeof *m)) {
		return;
	}
	uint64_t holder = mp_load(&m->holder);
	uint32_t record = mp_holder_id(holder);
	if (mp_holder_kind(holder) == MP_HOLDER_CACHE && record < core->shape.n_caches) {
		look_again(look, look_place_of(core, &core->caches[record]), sizeof *core->caches);
	}
}

int look_read_block(struct look *look, uint32_t index)
{
	const struct mp_pool *core = &look->pool->core;

	if (look_is_observer(look->pool) &&
	    look_again(look, look_place_of(core, &core->words[index]), sizeof *core->words)) {
		uint64_t word = mp_load(&core->words[index].whole);
		if (mp_word_state(word) == MP_FREE) {
			look_read_holder(look, mp_word_ref(word));
		}
	}
	return look->error;
}

static bool look_refresh_part(void *arg, uint64_t at, uint64_t size)
{
	return look_again(arg, at, size);
}

const struct mp_refresh *look_refresh(struct look *look, struct mp_refresh *refresh)
{
	*refresh = (struct mp_refresh){.again = look_refresh_part, .arg = look};
	return look_is_observer(look->pool) ? refresh : NULL;
}

int look_header(const struct mempool *pool, struct mp_header *copy, const struct mp_header **header)
{
	if (!look_is_observer(pool)) {
		*header = pool->core.header;
		return 0;
	}
	if (!look_has_file(pool)) {
		return look_refuse_closed(pool);
	}
	*header = copy;
	return look_read_into(pool, copy, 0, sizeof *copy);
}

uint32_t look_born(const struct mempool *pool)
{
	uint32_t born;

	if (look_is_observer(pool) && !pool_is_foreign(pool) && look_has_file(pool) &&
	    pread(pool->control_fd, &born, sizeof born, (off_t)offsetof(struct mp_header, born)) ==
		    sizeof born) {
		return born <= pool->core.max_blocks ? born : pool->core.max_blocks;
	}
	return mp_pool_born(&pool->core);
}
