/* SPDX-License-Identifier: MIT */
/* A handle knows what has become of its pool: live, destroyed, replaced, broken. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/handle.h"
#include "tests/system/raw.h"

/* This process's handle has the state, and its numbers say so too. */
static void expect(struct mempool *handle, int state)
{
	struct mempool_stats s;
	ck_assert_int_eq(mempool_state(handle), state);
	ck_assert_int_eq(mempool_stat(handle, &s), 0);
	ck_assert_uint_eq(s.state, (unsigned)state);
}

struct expectation {
	struct actor *actor;
	int state;
};

static bool is_as_expected(void *arg)
{
	const struct expectation *e = arg;
	return actor_ask(e->actor, "state") == e->state;
}

/* What the daemon does by itself takes a moment. */
static void await(struct actor *actor, int state)
{
	struct expectation e = {actor, state};
	ck_assert(wait_until(is_as_expected, &e, HANG_MS));
}

static struct actor user(const char *command)
{
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "%s", command), 0);
	ck_assert_int_eq(actor_ask(&a, "state"), MEMPOOL_LIVE);
	return a;
}

static void destroy(const char *name)
{
	ck_assert_int_eq(mempool_destroy(conn, name), 0);
}

static void kill_all(struct actor *actors, int n)
{
	for (int i = 0; i < n; i++) {
		actor_kill(&actors[i]);
	}
}

START_TEST(whoever_has_it_open_knows_that_a_pool_was_destroyed_and_made_anew)
{
	begin();
	struct actor a[] = {user("open frames"), user("open frames reader"),
			    user("open frames observer")};
	expect(pool, MEMPOOL_LIVE);
	destroy("frames");
	expect(pool, MEMPOOL_DESTROYED);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(actor_ask(&a[i], "state"), MEMPOOL_DESTROYED);
	}
	struct mempool *anew = service_pool(conn, "frames", 100, BLOCKS);
	expect(pool, MEMPOOL_REPLACED);
	expect(anew, MEMPOOL_LIVE);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(actor_ask(&a[i], "state"), MEMPOOL_REPLACED);
	}
	ck_assert_uint_eq(obtainable(), BLOCKS); /* it works on */
	kill_all(a, 3);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = anew;
	end();
}
END_TEST

START_TEST(all_that_had_the_name_before_are_replaced_while_one_has_it)
{
	struct mempool *had[4];

	begin();
	had[0] = pool;
	for (int i = 1; i < 4; i++) {
		destroy("frames");
		had[i] = service_pool(conn, "frames", 100, BLOCKS);
	}
	struct mempool *other = service_pool(conn, "other", 100, BLOCKS);
	for (int i = 0; i < 3; i++) {
		expect(had[i], MEMPOOL_REPLACED);
	}
	expect(had[3], MEMPOOL_LIVE);
	destroy("frames");
	for (int i = 0; i < 4; i++) {
		expect(had[i], MEMPOOL_DESTROYED);
		ck_assert_int_eq(mempool_close(had[i]), 0);
	}
	expect(other, MEMPOOL_LIVE);
	ck_assert_int_eq(mempool_close(other), 0);
	destroy("other");
	pool = service_pool(conn, "frames", 100, BLOCKS);
	end();
}
END_TEST

START_TEST(a_lifetime_that_is_over_is_an_end_as_well)
{
	begin();
	struct actor a = user("make short 2"), b = user("open short");
	actor_kill(&a);
	await(&b, MEMPOOL_DESTROYED);
	a = user("make short 1");
	ck_assert_int_eq(actor_ask(&b, "state"), MEMPOOL_REPLACED);
	actor_kill(&b);
	b = user("open short observer");
	actor_kill(&a);
	await(&b, MEMPOOL_DESTROYED);
	actor_kill(&b);
	end();
}
END_TEST

START_TEST(a_pool_that_could_not_be_made_replaces_none)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *anew;

	begin();
	destroy("frames");
	attr.block_size = 1 << 30;
	attr.blocks = 1 << 20;
	ck_assert_int_ne(mempool_create(conn, "frames", &attr, &anew), 0);
	expect(pool, MEMPOOL_DESTROYED);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = service_pool(conn, "frames", 100, BLOCKS);
	end();
}
END_TEST

/* In /dev/shm, and as a memfd. */
static void make_kept(struct mempool **kept, uint32_t backing)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 100;
	attr.backing = backing;
	ck_assert_int_eq(mempool_create(conn, "kept", &attr, kept), 0);
}

START_TEST(the_next_daemon_goes_on_telling)
{
	struct mempool *kept, *anew;

	begin();
	for (uint32_t backing = MEMPOOL_BACKING_SHM; backing <= MEMPOOL_BACKING_MEMFD; backing++) {
		make_kept(&kept, backing);
		destroy("kept");
		service_kill(&service);
		expect(kept, MEMPOOL_DESTROYED); /* the last known */
		expect(pool, MEMPOOL_LIVE);
		service_restart(&service);
		expect(kept, MEMPOOL_DESTROYED);
		expect(pool, MEMPOOL_LIVE);
		make_kept(&anew, backing);
		expect(kept, MEMPOOL_REPLACED);
		service_kill(&service);
		service_restart(&service);
		expect(kept, MEMPOOL_REPLACED);
		expect(anew, MEMPOOL_LIVE);
		ck_assert_int_eq(mempool_close(kept), 0);
		ck_assert_int_eq(mempool_close(anew), 0);
		destroy("kept");
	}
	end();
}
END_TEST

/* As if the daemon had been killed before it told; or as if a client had scribbled. */
START_TEST(the_next_daemon_works_out_anew_what_it_tells)
{
	begin();
	struct mempool *anew;
	destroy("frames");
	mp_store(&pool->core.header->fate, MP_FATE_LIVE);
	service_kill(&service);
	service_restart(&service);
	expect(pool, MEMPOOL_DESTROYED);
	anew = service_pool(conn, "frames", 100, BLOCKS);
	mp_store(&pool->core.header->fate, MP_FATE_LIVE);
	service_kill(&service);
	service_restart(&service);
	expect(pool, MEMPOOL_REPLACED);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = anew;
	end();
}
END_TEST

START_TEST(a_lifetime_that_ended_while_there_was_no_daemon_is_told)
{
	begin();
	struct actor a = user("make short 2"), b = user("open short");
	service_kill(&service);
	actor_kill(&a);
	ck_assert_int_eq(actor_ask(&b, "state"), MEMPOOL_LIVE);
	service_restart(&service);
	await(&b, MEMPOOL_DESTROYED);
	actor_kill(&b);
	a = user("make short 1");
	b = user("open short observer");
	service_kill(&service);
	actor_kill(&a);
	service_restart(&service);
	await(&b, MEMPOOL_DESTROYED);
	actor_kill(&b);
	end();
}
END_TEST

static int cut_short(const char *kind, off_t size)
{
	char path[200];
	snprintf(path, sizeof path, "/dev/shm/mempool.%s.frames.%016llx.%s", service.instance,
		 (unsigned long long)pool->id, kind);
	return truncate(path, size);
}

/* Broken is what calls return EIO for; replaced is what helps. */
START_TEST(a_broken_pool_is_broken_until_there_is_another)
{
	struct mempool *seen, *anew;

	begin();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	ck_assert_int_eq(cut_short("dat", 4096), 0);
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open frames"), -EIO);
	ck_assert_int_eq(mempool_state(pool), MEMPOOL_BROKEN);
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_BROKEN);
	destroy("frames");
	ck_assert_int_eq(mempool_state(pool), MEMPOOL_BROKEN);
	anew = service_pool(conn, "frames", 100, BLOCKS);
	ck_assert_int_eq(mempool_state(pool), MEMPOOL_REPLACED);
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_REPLACED);
	ck_assert_int_eq(mempool_close_force(pool), 0);
	ck_assert_int_eq(mempool_close(seen), 0);
	pool = anew;
	actor_kill(&a);
	end();
}
END_TEST

/* Who may write to the pool gives an observer nothing but a wrong answer. */
START_TEST(an_observer_of_a_pool_that_was_cut_short_is_told_that_it_is_broken)
{
	struct mempool *seen;

	begin();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	struct mp_header *header = pool->core.header;
	uint64_t magic = header->magic;
	mp_store(&header->fate, 77);
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_LIVE);
	header->magic = 77;
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_BROKEN);
	header->magic = magic;
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_LIVE);
	ck_assert_int_eq(cut_short("ctl", 100), 0);
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_BROKEN);
	ck_assert_int_eq(cut_short("ctl", (off_t)pool->core.shape.control_size), 0);
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}
END_TEST

static bool is_removed(void *objects)
{
	return service_objects(&service) == *(unsigned *)objects;
}

/* Its bookkeeping is large, so removal gives it back page by page: the observer sees zeros. */
START_TEST(an_observer_knows_when_the_memory_of_its_pool_has_gone)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *large, *seen;
	struct mempool_stats s;

	begin();
	unsigned objects = service_objects(&service);
	attr.block_size = 16;
	attr.alignment = 16;
	attr.blocks = 1;
	attr.max_blocks = 4 << 20;
	ck_assert_int_eq(mempool_create(conn, "large", &attr, &large), 0);
	ck_assert_int_eq(mempool_open(conn, "large", MEMPOOL_OBSERVE, &seen), 0);
	expect(seen, MEMPOOL_LIVE);
	ck_assert_int_eq(mempool_close(large), 0);
	destroy("large");
	ck_assert(wait_until(is_removed, &objects, HANG_MS));
	ck_assert_int_eq(mempool_state(seen), MEMPOOL_DESTROYED);
	ck_assert_int_eq(mempool_stat(seen, &s), 0);
	ck_assert_uint_eq(s.state, MEMPOOL_DESTROYED);
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}
END_TEST

START_TEST(a_child_and_who_closed_the_descriptor_are_refused)
{
	struct mempool *seen;
	int status;

	begin();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	pid_t pid = fork();
	if (pid == 0) {
		_exit(mempool_state(pool) == -ECHILD && mempool_state(seen) == -ECHILD ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(seen->control_fd);
	ck_assert_int_eq(mempool_state(seen), -EBADF);
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}
END_TEST

SUITE("fate", whoever_has_it_open_knows_that_a_pool_was_destroyed_and_made_anew,
      all_that_had_the_name_before_are_replaced_while_one_has_it,
      a_lifetime_that_is_over_is_an_end_as_well, a_pool_that_could_not_be_made_replaces_none,
      the_next_daemon_goes_on_telling, the_next_daemon_works_out_anew_what_it_tells,
      a_lifetime_that_ended_while_there_was_no_daemon_is_told,
      a_broken_pool_is_broken_until_there_is_another,
      an_observer_of_a_pool_that_was_cut_short_is_told_that_it_is_broken,
      an_observer_knows_when_the_memory_of_its_pool_has_gone,
      a_child_and_who_closed_the_descriptor_are_refused)
