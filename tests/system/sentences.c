/* SPDX-License-Identifier: MIT */
/*
 * Every call that fails says why: mempool_errmsg() names the pool, and never tells of an earlier
 * call. Each FAILS() is one way for one call to fail.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/layout.h"
#include "tests/system/raw.h"
#include "tests/system/story.h"

/* ---- what the rows use ---- */

static struct mempool *watched; /* "frames", as an observer */
static struct mempool *scarce;  /* of 4 blocks, of which a process may own 2; both are got */
static struct mempool *shut;    /* marked broken; all its blocks are got */
static struct mempool_channel *in, *out, *scarce_in, *shut_in, *shut_out;
static struct actor other;                    /* has a block of "frames" */
static void *mine, *theirs, *gone, *free_one; /* blocks: ours, the other's, a gift, nobody's */
static void *moving;                          /* a gift of the other's */
static struct mempool_token gift, moving_token, used, used_by_other, zero;
static void *all[BLOCKS + 1], *some[3];
static struct mempool_token tokens[3];

static void *block_of(struct mempool *p, enum mempool_block_state state, bool ours)
{
	struct mempool_block about;

	for (uint32_t i = 0; i < mempool_blocks(p); i++) {
		ck_assert_int_eq(mempool_block(p, i, &about), 0);
		if (about.state == state && (about.slot == (uint32_t)mempool_slot(p)) == ours) {
			return mempool_block_at(p, i);
		}
	}
	ck_abort_msg("there is no such block");
	return NULL;
}

/* As the daemon does. A child writes it, whose seat is free again when it has ended. */
static void mark_broken(const char *name)
{
	int fds[3], status;
	pid_t pid = fork();

	if (pid == 0) {
		attach(name, fds);
		struct mp_header *header =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
		if (header != MAP_FAILED) {
			mp_store(&header->broken, 1);
		}
		_exit(header == MAP_FAILED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static struct mempool *make_scarce(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *p;

	attr.block_size = 64;
	attr.blocks = 4;
	attr.quota = 2;
	ck_assert_int_eq(mempool_create(conn, "scarce", &attr, &p), 0);
	return p;
}

static void begin_shut(void)
{
	shut = service_pool(conn, "shut", 64, 3);
	ck_assert_int_eq(mempool_channel_open(shut, 0, MEMPOOL_CHANNEL_RECEIVE, &shut_in), 0);
	ck_assert_int_eq(mempool_channel_open(shut, 0, 0, &shut_out), 0);
	ck_assert_int_eq(mempool_get_bulk(shut, some, 3), 0);
	mark_broken("shut");
}

static void begin_all(void)
{
	begin();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &watched), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &out), 0);
	other = holder(1);
	ck_assert_int_eq(actor_ask(&other, "get 1"), 0);
	moving_token.v = (uint64_t)actor_ask(&other, "give");
	moving = block_of(pool, MEMPOOL_BLOCK_MOVING, false);
	theirs = block_of(pool, MEMPOOL_BLOCK_USED, false);
	mine = mempool_get(pool);
	gone = mempool_get(pool);
	used = mempool_give(pool, gone);
	ck_assert_ptr_eq(mempool_take(pool, used), gone);
	void *given = mempool_get(pool);
	used_by_other = mempool_give(pool, given);
	ck_assert_int_eq(actor_ask(&other, "take %ld", (long)used_by_other.v), 0);
	gift = mempool_give(pool, gone);
	free_one = mempool_get(pool);
	ck_assert_int_eq(mempool_put(pool, free_one), 0);
	scarce = make_scarce();
	ck_assert_int_eq(mempool_channel_open(scarce, 0, MEMPOOL_CHANNEL_RECEIVE, &scarce_in), 0);
	ck_assert_int_eq(mempool_get_bulk(scarce, some, 2), 0);
	begin_shut();
}

static void end_all(void)
{
	actor_kill(&other);
	ck_assert_int_eq(mempool_close(watched), 0);
	ck_assert_int_eq(mempool_close_force(scarce), 0);
	ck_assert_int_eq(mempool_close_force(shut), 0);
	ck_assert_int_eq(mempool_destroy(conn, "scarce"), 0);
	ck_assert_int_eq(mempool_destroy(conn, "shut"), 0);
	end();
}

/* ---- rows ---- */

/* Makes another call fail, whose sentence is not to be seen again. */
static void fail_otherwise(void)
{
	struct mempool *p;

	ck_assert_int_eq(mempool_open(conn, "earlier.call", 0, &p), -ENOENT);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "earlier.call"));
}

static void check_sentence(const char *call, int64_t result, int error, const char *words)
{
	const char *said = mempool_errmsg();

	ck_assert_msg(result == -error, "%s: %s, and not %s", call, strerror((int)-result),
		      strerror(error));
	ck_assert_msg(!strstr(said, "earlier.call"), "%s leaves an earlier sentence", call);
	ck_assert_msg(strstr(said, words) != NULL, "%s: '%s' is not in: %s", call, words, said);
	ck_assert_msg(strlen(said) < 300, "%s: too long: %s", call, said);
}

/* The call fails with that error, and its sentence has those words in it. */
#define FAILS(error, words, call)                          \
	do {                                               \
		fail_otherwise();                          \
		check_sentence(#call, call, error, words); \
	} while (0)

/* The negative errno of a call that returns a pointer or a token. */
#define NOTHING(call) ((call) ? 0 : -errno)

static int64_t get_of_empty(void)
{
	size_t n = 0;

	while (n < BLOCKS && (all[n] = mempool_get(pool))) {
		n++;
	}
	int error = n < BLOCKS ? errno : 0;
	ck_assert_int_eq(mempool_put_bulk(pool, all, n), 0);
	return -error;
}

static int64_t wait_of_empty(int timeout_ms)
{
	size_t n = 0;

	while (n < BLOCKS && (all[n] = mempool_get(pool))) {
		n++;
	}
	int error = NOTHING(mempool_get_wait(pool, timeout_ms));
	ck_assert_int_eq(mempool_put_bulk(pool, all, n), 0);
	return error;
}

static int64_t put_twice_in_bulk(size_t n)
{
	ck_assert_int_eq(mempool_get_bulk(pool, all, n), 0);
	void *last = all[n - 1];
	all[n - 1] = all[0];
	int error = mempool_put_bulk(pool, all, n);
	all[n - 1] = last;
	ck_assert_int_eq(mempool_put_bulk(pool, all, n), 0);
	return error;
}

static int64_t give_twice_in_bulk(void)
{
	some[0] = some[1] = mine;
	return mempool_give_bulk(pool, some, tokens, 2);
}

static int64_t send_into_full(int timeout_ms)
{
	struct mempool_channel *full;
	int error = 0;
	size_t n = 0;

	ck_assert_int_eq(mempool_channel_open(pool, 2, 0, &full), 0);
	while (!error) {
		void *block = mempool_get(pool);
		error = mempool_channel_send(full, block, timeout_ms);
		n += error == 0;
		ck_assert(!error || mempool_put(pool, block) == 0);
	}
	ck_assert_int_eq(mempool_channel_close(full), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 2, MEMPOOL_CHANNEL_RECEIVE, &full), 0);
	ck_assert_int_eq(mempool_channel_receive_bulk(full, all, BLOCKS, 0), (ssize_t)n);
	ck_assert_int_eq(mempool_put_bulk(pool, all, n), 0);
	ck_assert_int_eq(mempool_channel_close(full), 0);
	return error;
}

/* The quota leaves no room for what lies in the channel. */
static int64_t receive_beyond_quota(void)
{
	void *block = mempool_channel_receive(scarce_in, 0);

	return NOTHING(block);
}

static int64_t fd_without_descriptors(void)
{
	struct rlimit old, none = {0, 0};

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int fd = mempool_channel_fd(in);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	return fd;
}

static struct mempool *opened;
static struct mempool_channel *channel;
static struct mempool_block about;
static struct mempool_channel_stats channel_numbers = {.size = sizeof channel_numbers};
static struct mempool_seat seat;
static struct mempool_info info;
static struct mempool_client client;
static uint32_t cursor;

static int64_t create(const char *name, uint32_t blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = blocks;
	return mempool_create(conn, name, &attr, &opened);
}

static int64_t open_or_create(const char *name)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = 1;
	return mempool_open_or_create(conn, name, &attr, &opened);
}

static int create_with(uint32_t lifetime, uint32_t schema_version)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = 1;
	attr.lifetime = lifetime;
	attr.schema_version = schema_version;
	return mempool_create(conn, "odd", &attr, &opened);
}

START_TEST(calls_that_ask_the_daemon_say_why)
{
	begin_all();
	FAILS(EINVAL, "no lifetime 3", create_with(MEMPOOL_UNTIL_CREATOR + 1, 0));
	FAILS(EINVAL, "a schema_version, 7, and no schema", create_with(0, 7));
	FAILS(ENOENT, "/nosuch/socket",
	      mempool_connect(&(struct mempool_conn *){0}, "/nosuch/socket"));
	FAILS(EEXIST, "frames", create("frames", 1));
	FAILS(EINVAL, "A/B", create("A/B", 1));
	FAILS(ENOENT, "absent", mempool_open(conn, "absent", 0, &opened));
	FAILS(EBUSY, "frames", mempool_open(conn, "frames", MEMPOOL_RDONLY, &opened));
	FAILS(EINVAL, "0x80", mempool_open(conn, "frames", 0x80, &opened));
	FAILS(EPROTO, "frames", mempool_open_schema(conn, "frames", 0, 5, 5, &opened));
	FAILS(EPROTO, "frames", open_or_create("frames"));
	FAILS(ENOENT, "absent", mempool_grow(conn, "absent", 5));
	FAILS(EINVAL, "frames", mempool_grow(conn, "frames", BLOCKS + 1));
	FAILS(ENOENT, "absent", mempool_destroy(conn, "absent"));
	FAILS(ENOENT, "absent", mempool_find_pool(conn, "absent", &info));
	FAILS(ENOENT, "absent", mempool_next_client(conn, "absent", &cursor, &client));
	FAILS(EBUSY, "frames", mempool_close(pool));
	end_all();
}
END_TEST

START_TEST(gets_say_why)
{
	begin_all();
	FAILS(ENOMEM, "frames", get_of_empty());
	FAILS(EDQUOT, "scarce", NOTHING(mempool_get(scarce)));
	FAILS(EACCES, "frames", NOTHING(mempool_get(watched)));
	FAILS(EIO, "shut", NOTHING(mempool_get(shut)));
	FAILS(ETIMEDOUT, "frames", wait_of_empty(0));
	FAILS(ETIMEDOUT, "20 ms", wait_of_empty(20));
	FAILS(EINVAL, "frames", NOTHING(mempool_get_wait(pool, -2)));
	FAILS(EDQUOT, "scarce", NOTHING(mempool_get_wait(scarce, 10)));
	FAILS(EACCES, "frames", NOTHING(mempool_get_wait(watched, 10)));
	FAILS(EIO, "shut", NOTHING(mempool_get_wait(shut, 10)));
	FAILS(ENOMEM, "1001", mempool_get_bulk(pool, all, BLOCKS + 1));
	FAILS(ENOMEM, "not 1000 free", mempool_get_bulk(pool, all, BLOCKS));
	FAILS(EDQUOT, "scarce", mempool_get_bulk(scarce, all, 2));
	FAILS(EACCES, "frames", mempool_get_bulk(watched, all, 2));
	FAILS(EIO, "shut", mempool_get_bulk(shut, all, 2));
	end_all();
}
END_TEST

START_TEST(puts_say_why)
{
	begin_all();
	FAILS(EALREADY, "free already", mempool_put(pool, free_one));
	FAILS(EPERM, "held by process", mempool_put(pool, theirs));
	FAILS(EPERM, "mempool_withdraw", mempool_put(pool, gone));
	FAILS(EPERM, "was given by process", mempool_put(pool, moving));
	FAILS(EINVAL, "points 4 bytes into", mempool_put(pool, (char *)mine + 4));
	FAILS(EINVAL, "NULL", mempool_put(pool, NULL));
	FAILS(EINVAL, "lies outside", mempool_put(pool, &pool));
	FAILS(EACCES, "frames", mempool_put(watched, mine));
	FAILS(EALREADY, "blocks[0] and blocks[9]", put_twice_in_bulk(10));
	FAILS(EALREADY, "blocks[0] and blocks[599]", put_twice_in_bulk(600));
	FAILS(EALREADY, "free already", mempool_put_bulk(pool, &free_one, 1));
	FAILS(EPERM, "held by process", mempool_put_bulk(pool, &theirs, 1));
	FAILS(EINVAL, "NULL", mempool_put_bulk(pool, (void *[]){mine, NULL}, 2));
	FAILS(EINVAL, "1001", mempool_put_bulk(pool, all, BLOCKS + 1));
	FAILS(EACCES, "frames", mempool_put_bulk(watched, &mine, 1));
	end_all();
}
END_TEST

START_TEST(gifts_say_why)
{
	begin_all();
	FAILS(EALREADY, "free already", NOTHING(mempool_give(pool, free_one).v));
	FAILS(EPERM, "held by process", NOTHING(mempool_give(pool, theirs).v));
	FAILS(EINVAL, "NULL", NOTHING(mempool_give(pool, NULL).v));
	FAILS(EACCES, "frames", NOTHING(mempool_give(watched, mine).v));
	FAILS(EPERM, "named twice", give_twice_in_bulk());
	FAILS(EALREADY, "free already", mempool_give_bulk(pool, &free_one, tokens, 1));
	FAILS(EACCES, "frames", mempool_give_bulk(watched, &mine, tokens, 1));
	FAILS(ESTALE, "given again", NOTHING(mempool_take(pool, used)));
	FAILS(ESTALE, "by process", NOTHING(mempool_take(pool, used_by_other)));
	FAILS(ESTALE, "zero token", NOTHING(mempool_take(pool, zero)));
	FAILS(ESTALE, "never issued",
	      NOTHING(mempool_take(pool, (struct mempool_token){UINT64_MAX})));
	FAILS(EDQUOT, "scarce", NOTHING(mempool_take(scarce, used)));
	FAILS(EACCES, "frames", NOTHING(mempool_take(watched, gift)));
	FAILS(EDQUOT, "scarce", mempool_take_bulk(scarce, &used, all, 1));
	FAILS(EACCES, "frames", mempool_take_bulk(watched, &gift, all, 1));
	FAILS(ESTALE, "given again", NOTHING(mempool_withdraw(pool, used)));
	FAILS(EPERM, "only who gave it", NOTHING(mempool_withdraw(pool, moving_token)));
	FAILS(EACCES, "frames", NOTHING(mempool_withdraw(watched, gift)));
	FAILS(EACCES, "frames", mempool_withdraw_bulk(watched, &gift, all, 1));
	FAILS(EACCES, "frames", mempool_gifts(watched, tokens, 1));
	end_all();
}
END_TEST

static void *sent_block;
static struct mempool_token sent_token;

/* Whether a channel has the block; notes it, and its token. */
static bool is_sent(void *unused)
{
	struct mempool_block now;

	(void)unused;
	for (uint32_t i = 0; i < mempool_blocks(pool); i++) {
		ck_assert_int_eq(mempool_block(pool, i, &now), 0);
		if (now.state == MEMPOOL_BLOCK_MOVING && now.channel == 3) {
			sent_block = mempool_block_at(pool, i);
			sent_token.v = (uint64_t)now.generation << 32 | i;
			return true;
		}
	}
	return false;
}

START_TEST(what_was_sent_is_its_channels)
{
	begin_all();
	struct actor a = holder(1);
	ck_assert_int_eq(actor_ask(&a, "sender 3"), 0);
	ck_assert_int_eq(actor_ask(&a, "send 1"), 1);
	actor_kill(&a);
	ck_assert(wait_until(is_sent, NULL, HANG_MS));
	FAILS(EPERM, "sent by channel 3", mempool_put(pool, sent_block));
	FAILS(EPERM, "sent by channel 3", mempool_channel_send(out, sent_block, 0));
	FAILS(EPERM, "sent by channel 3", NOTHING(mempool_withdraw(pool, sent_token)));
	end_all();
}
END_TEST

START_TEST(channels_say_why)
{
	begin_all();
	FAILS(EINVAL, "channel 99 of frames", mempool_channel_open(pool, 99, 0, &channel));
	FAILS(EINVAL, "0x80", mempool_channel_open(pool, 0, 0x80, &channel));
	FAILS(EBUSY, "channel 1 of frames",
	      mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &channel));
	FAILS(EACCES, "frames", mempool_channel_open(watched, 0, 0, &channel));
	FAILS(EIO, "shut", mempool_channel_open(shut, 0, 0, &channel));
	FAILS(EAGAIN, "channel 2 of frames is full", send_into_full(0));
	FAILS(ETIMEDOUT, "full for 15 ms", send_into_full(15));
	FAILS(EALREADY, "free already", mempool_channel_send(out, free_one, 0));
	FAILS(EPERM, "held by process", mempool_channel_send(out, theirs, 9));
	FAILS(EINVAL, "NULL", mempool_channel_send(out, NULL, -1));
	FAILS(EINVAL, "timeout", mempool_channel_send(out, mine, -2));
	FAILS(EBADF, "channel 1 of frames", mempool_channel_send(in, mine, 0));
	FAILS(EPERM, "held by process", mempool_channel_send_bulk(out, &theirs, 1, 0));
	FAILS(EBADF, "channel 1 of frames", mempool_channel_send_bulk(in, &mine, 1, 0));
	FAILS(EAGAIN, "channel 1 of frames", NOTHING(mempool_channel_receive(in, 0)));
	FAILS(ETIMEDOUT, "within 15 ms", NOTHING(mempool_channel_receive(in, 15)));
	FAILS(EINVAL, "timeout", NOTHING(mempool_channel_receive(in, -2)));
	FAILS(EBADF, "channel 1 of frames", NOTHING(mempool_channel_receive(out, 0)));
	FAILS(EDQUOT, "scarce", receive_beyond_quota());
	FAILS(EIO, "shut", NOTHING(mempool_channel_receive(shut_in, 0)));
	FAILS(EAGAIN, "channel 1 of frames", mempool_channel_receive_bulk(in, all, 5, 0));
	FAILS(EBADF, "channel 1 of frames", mempool_channel_receive_bulk(out, all, 5, 0));
	FAILS(EMFILE, "channel 1 of frames", fd_without_descriptors());
	end_all();
}
END_TEST

START_TEST(broadcasts_say_why)
{
	const unsigned cast = MEMPOOL_CHANNEL_BROADCAST, borrow = cast | MEMPOOL_CHANNEL_RECEIVE;
	struct mempool_channel *caster, *one, *two, *some_of[MEMPOOL_SUBSCRIBERS_MAX];

	begin_all();
	ck_assert_int_eq(mempool_channel_open(pool, 2, cast, &caster), 0);
	FAILS(ENOTCONN, "channel 2 of frames", mempool_channel_send(caster, mine, 0));
	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		ck_assert_int_eq(mempool_channel_open(pool, 2, borrow, &some_of[i]), 0);
	}
	one = some_of[0];
	two = some_of[1];
	FAILS(EUSERS, "channel 2 of frames", mempool_channel_open(pool, 2, borrow, &channel));
	FAILS(EPROTOTYPE, "channel 2 of frames", mempool_channel_open(pool, 2, 0, &channel));
	FAILS(EPROTOTYPE, "kind queue", mempool_channel_open(pool, 1, cast, &channel));
	FAILS(EINVAL, "channel 0 of frames",
	      mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_LOSSY, &channel));
	FAILS(EINVAL, "channel 0 of frames",
	      mempool_channel_open(pool, 0, cast | MEMPOOL_CHANNEL_WORK, &channel));
	FAILS(EAGAIN, "channel 2 of frames", NOTHING(mempool_channel_borrow(one, 0)));
	FAILS(ETIMEDOUT, "within 15 ms", NOTHING(mempool_channel_borrow(one, 15)));
	FAILS(EINVAL, "timeout", NOTHING(mempool_channel_borrow(one, -2)));
	FAILS(EPROTOTYPE, "mempool_channel_borrow()", NOTHING(mempool_channel_receive(one, 0)));
	FAILS(EPROTOTYPE, "mempool_channel_receive()", NOTHING(mempool_channel_borrow(in, 0)));
	FAILS(EBADF, "channel 2 of frames", NOTHING(mempool_channel_borrow(caster, 0)));
	ck_assert_int_eq(mempool_channel_send(caster, mine, 0), 0);
	FAILS(EAGAIN, "channel 2 of frames", mempool_channel_drain(caster, 0));
	FAILS(ETIMEDOUT, "within 15 ms", mempool_channel_drain(caster, 15));
	FAILS(EAGAIN, "this handle can receive", mempool_channel_drain(one, 0));
	FAILS(ETIMEDOUT, "this handle can receive", mempool_channel_drain(one, 15));
	FAILS(EINVAL, "timeout", mempool_channel_drain(one, -2));
	FAILS(EPERM, "channel 2", mempool_channel_return(one, mine));
	ck_assert_ptr_eq(mempool_channel_borrow(one, 0), mine);
	FAILS(EPERM, "another handle", mempool_channel_return(two, mine));
	FAILS(EINVAL, "NULL", mempool_channel_return(one, NULL));
	FAILS(EBUSY, "channel 2", NOTHING(mempool_channel_own(one, mine)));
	FAILS(EBUSY, "channel 2 of frames", mempool_channel_close(one));
	FAILS(EPERM, "broadcast 2", mempool_put(pool, mine));
	FAILS(EINVAL, "channel 2 of frames",
	      mempool_channel_stat(one, &(struct mempool_channel_stats){0}));
	end_all();
}
END_TEST

START_TEST(calls_that_look_say_why)
{
	begin_all();
	FAILS(EACCES, "frames", mempool_flush(watched));
	FAILS(EINVAL, "points 4 bytes into", mempool_block_index(pool, (char *)mine + 4));
	FAILS(EINVAL, "lies outside", mempool_block_index(watched, &pool));
	FAILS(EINVAL, "no block 1000 of frames", NOTHING(mempool_block_at(pool, BLOCKS)));
	FAILS(EINVAL, "no block 1000 of frames", mempool_block(pool, BLOCKS, &about));
	FAILS(EACCES, "frames", mempool_slot(watched));
	FAILS(EINVAL, "no channel 4 of frames", mempool_channel_info(watched, 4, &channel_numbers));
	FAILS(EINVAL, "has no size",
	      mempool_channel_info(watched, 0, &(struct mempool_channel_stats){0}));
	FAILS(EINVAL, "no channel 4 of frames", (int)mempool_channel_users(pool, 4, NULL, 0));
	FAILS(EINVAL, "no channel 4 of frames", mempool_channel_seat(pool, 4, 0, &seat));
	FAILS(EINVAL, "no seat 12 of channel 3", mempool_channel_seat(watched, 3, 12, &seat));
	end_all();
}
END_TEST

START_TEST(a_sentence_outlives_the_pool)
{
	begin_all();
	ck_assert_int_eq(mempool_put(shut, NULL), -EINVAL);
	end_all();
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "shut"));
	ck_assert_str_eq(mempool_errmsg(), mempool_errmsg());
}
END_TEST

/* ---- in a signal handler ---- */

static volatile int n_told, n_untold;

static void call_in_handler(int signal)
{
	void *block = mempool_get(pool);
	int errors[] = {block ? 0 : errno, 0, 0};

	(void)signal;
	if (block) {
		mempool_put(pool, block);
	} else {
		errors[1] = -mempool_put(pool, mine);
		errors[2] = -mempool_flush(pool);
	}
	if (errors[0] == EDEADLK && errors[1] == EDEADLK && errors[2] == EDEADLK) {
		*(strstr(mempool_errmsg(), "signal handler called on frames") ? &n_told
									      : &n_untold) += 1;
	}
}

START_TEST(a_signal_handler_inside_a_call_is_told_why)
{
	struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};

	begin();
	mine = mempool_get(pool);
	signal(SIGALRM, call_in_handler);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int64_t end_at = now_ms() + HANG_MS; n_told < 20 && now_ms() < end_at;) {
		ck_assert_int_eq(mempool_put(pool, mempool_get(pool)), 0);
		ck_assert_int_eq(mempool_put(pool, NULL), -EINVAL);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_ge(n_told, 20);
	ck_assert_int_eq(n_untold, 0);
	end();
}
END_TEST

START_TEST(who_receives_beside_another_is_told_why)
{
	void *block;

	begin_all();
	pthread_t thread = receive_elsewhere(in);
	FAILS(EDEADLK, "channel 1 of frames", NOTHING(mempool_channel_receive(in, 0)));
	FAILS(EBUSY, "channel 1 of frames", mempool_channel_close(in));
	FAILS(EBUSY, "frames", mempool_close_force(pool));
	ck_assert_int_eq(mempool_channel_send(out, mine, 0), 0);
	pthread_join(thread, &block);
	ck_assert_ptr_eq(block, mine);
	end_all();
}
END_TEST

SUITE("sentences", calls_that_ask_the_daemon_say_why, gets_say_why, puts_say_why, gifts_say_why,
      what_was_sent_is_its_channels, channels_say_why, broadcasts_say_why, calls_that_look_say_why,
      a_sentence_outlives_the_pool, a_signal_handler_inside_a_call_is_told_why,
      who_receives_beside_another_is_told_why)
