/* SPDX-License-Identifier: MIT */
/* What a forked child may do with its parent's handles: nothing, and each call says so. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

#define NOTHING(call) ((call) ? 0 : -errno)

static struct mempool *empty; /* whose block is got */
static struct mempool_channel *in, *out;
static void *mine;
static struct mempool_token gift;

static void begin_forks(void)
{
	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &out), 0);
	mine = mempool_get(pool);
	gift = mempool_give(pool, mempool_get(pool));
	empty = service_pool(conn, "empty", 64, 1);
	ck_assert_ptr_nonnull(mempool_get(empty));
}

static void end_forks(void)
{
	ck_assert_int_eq(mempool_close_force(empty), 0);
	ck_assert_int_eq(mempool_destroy(conn, "empty"), 0);
	end();
}

/* What the calls fill in. */
static struct mempool *opened;
static struct mempool_channel *channel;
static struct mempool_attr attr = MEMPOOL_ATTR_INIT;
static struct mempool_stats numbers;
static struct mempool_report report;
static struct mempool_block about;
static struct mempool_info info;
static struct mempool_client client;
static uint32_t cursor;
static struct mempool_token tokens[3];
static void *all[2];

/* ---- calls ---- */

static int64_t blocks_of(void)
{
	return mempool_blocks(pool) ? 1 : -errno;
}

static int64_t contains(void)
{
	errno = 0;
	return mempool_contains(pool, mine) ? 1 : -errno;
}

static int64_t set_progress(void)
{
	mempool_set_progress(conn, NULL, NULL);
	return 0;
}

/* Calls that a forked child may make on nothing, or on its parent's handles. */
static const char *const harmless[] = {
	"mempool_block_size",   "mempool_connect", "mempool_disconnect", "mempool_errmsg",
	"mempool_set_progress", "mempool_stride",  "mempool_version",
};

static struct mempool_channel_stats channel_numbers = {.size = sizeof channel_numbers};
static struct mempool_seat seat;
static struct mempool_daemon daemon_info;
static struct mempool_status status_info;

/* Every other call, on handles of the parent's. */
#define CALLS(X)                                                                          \
	X(mempool_block, mempool_block(pool, 0, &about))                                  \
	X(mempool_block_at, NOTHING(mempool_block_at(pool, 0)))                           \
	X(mempool_block_bulk, mempool_block_bulk(pool, 0, &about, 1))                     \
	X(mempool_block_index, mempool_block_index(pool, mine))                           \
	X(mempool_blocks, blocks_of())                                                    \
	X(mempool_cancel, mempool_cancel(pool))                                           \
	X(mempool_census, mempool_census(pool, &numbers, NULL, 0))                        \
	X(mempool_channel_borrow, NOTHING(mempool_channel_borrow(in, -1)))                \
	X(mempool_channel_borrow_bulk, mempool_channel_borrow_bulk(in, NULL, 1, -1))      \
	X(mempool_channel_cancel, mempool_channel_cancel(in))                             \
	X(mempool_channel_close, mempool_channel_close(in))                               \
	X(mempool_channel_drain, mempool_channel_drain(out, -1))                          \
	X(mempool_channel_fd, mempool_channel_fd(in))                                     \
	X(mempool_channel_info, mempool_channel_info(pool, 0, &channel_numbers))          \
	X(mempool_channel_open, mempool_channel_open(pool, 0, 0, &channel))               \
	X(mempool_channel_own, NOTHING(mempool_channel_own(in, mine)))                    \
	X(mempool_channel_receive, NOTHING(mempool_channel_receive(in, -1)))              \
	X(mempool_channel_receive_bulk, mempool_channel_receive_bulk(in, all, 1, -1))     \
	X(mempool_channel_return, mempool_channel_return(in, mine))                       \
	X(mempool_channel_seat, mempool_channel_seat(pool, 0, 0, &seat))                  \
	X(mempool_channel_send, mempool_channel_send(out, mine, -1))                      \
	X(mempool_channel_send_bulk, mempool_channel_send_bulk(out, &mine, 1, -1))        \
	X(mempool_channel_stat, mempool_channel_stat(out, &channel_numbers))              \
	X(mempool_channel_users, mempool_channel_users(pool, 0, NULL, 0))                 \
	X(mempool_check, mempool_check(pool, &report))                                    \
	X(mempool_close, mempool_close(pool))                                             \
	X(mempool_close_force, mempool_close_force(pool))                                 \
	X(mempool_contains, contains())                                                   \
	X(mempool_create, mempool_create(conn, "child", &attr, &opened))                  \
	X(mempool_daemon, mempool_daemon(conn, &daemon_info))                             \
	X(mempool_destroy, mempool_destroy(conn, "frames"))                               \
	X(mempool_fd, mempool_fd(pool))                                                   \
	X(mempool_find_pool, mempool_find_pool(conn, "frames", &info))                    \
	X(mempool_flush, mempool_flush(pool))                                             \
	X(mempool_get, NOTHING(mempool_get(pool)))                                        \
	X(mempool_get_bulk, mempool_get_bulk(pool, all, 2))                               \
	X(mempool_get_wait, NOTHING(mempool_get_wait(pool, -1)))                          \
	X(mempool_gifts, mempool_gifts(pool, tokens, 1))                                  \
	X(mempool_give, NOTHING(mempool_give(pool, mine).v))                              \
	X(mempool_give_bulk, mempool_give_bulk(pool, &mine, tokens, 1))                   \
	X(mempool_grow, mempool_grow(conn, "frames", 1))                                  \
	X(mempool_next_client, mempool_next_client(conn, NULL, &cursor, &client))         \
	X(mempool_next_pool, mempool_next_pool(conn, &cursor, &info))                     \
	X(mempool_open, mempool_open(conn, "frames", 0, &opened))                         \
	X(mempool_open_or_create, mempool_open_or_create(conn, "frames", &attr, &opened)) \
	X(mempool_open_schema, mempool_open_schema(conn, "frames", 0, 1, 1, &opened))     \
	X(mempool_put, mempool_put(pool, mine))                                           \
	X(mempool_put_bulk, mempool_put_bulk(pool, &mine, 1))                             \
	X(mempool_slot, mempool_slot(pool))                                               \
	X(mempool_stat, mempool_stat(pool, &numbers))                                     \
	X(mempool_state, mempool_state(pool))                                             \
	X(mempool_status, mempool_status(conn, &status_info, sizeof status_info))         \
	X(mempool_take, NOTHING(mempool_take(pool, gift)))                                \
	X(mempool_take_bulk, mempool_take_bulk(pool, &gift, all, 1))                      \
	X(mempool_withdraw, NOTHING(mempool_withdraw(pool, gift)))                        \
	X(mempool_withdraw_bulk, mempool_withdraw_bulk(pool, &gift, all, 1))

#define CALL_FUNCTION(name, call)       \
	static int64_t try_##name(void) \
	{                               \
		return call;            \
	}
CALLS(CALL_FUNCTION)

static const struct {
	const char *name;
	int64_t (*try)(void);
} calls[] = {
#define CALL_ROW(name, call) {#name, try_##name},
	CALLS(CALL_ROW)};

#define N_CALLS (sizeof calls / sizeof *calls)

/*
 * What a child does: every call must say ECHILD, with a sentence of its own. Returns 0, or one more
 * than the number of the call that does not. A call that hangs ends the child by SIGALRM.
 */
static int try_all(void)
{
	alarm(20);
	set_progress();
	for (size_t i = 0; i < N_CALLS; i++) {
		int64_t result = calls[i].try();
		const char *said = mempool_errmsg();
		if (result != -ECHILD || (!strstr(said, "frames") && !strstr(said, "connect")) ||
		    !strstr(said, "parent")) {
			return (int)i + 1;
		}
	}
	return 0;
}

/* Works in the child as it does in any process. */
static int open_anew(void)
{
	struct mempool_conn *own;
	struct mempool *p;
	void *block;

	return mempool_connect(&own, NULL) == 0 && mempool_open(own, "frames", 0, &p) == 0 &&
			       mempool_blocks(p) == BLOCKS && (block = mempool_get(p)) &&
			       mempool_put(p, block) == 0 && mempool_close(p) == 0
		       ? 0
		       : 100;
}

static void check_child(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "a child died of signal %d", WTERMSIG(status));
	int at = WEXITSTATUS(status);
	ck_assert_msg(at == 0, "in a child: %s",
		      at == 100                  ? "no pool of its own"
		      : (size_t)at - 1 < N_CALLS ? calls[at - 1].name
						 : "what?");
}

START_TEST(every_call_of_a_forked_child_is_told_why)
{
	begin_forks();
	pid_t pid = fork();
	if (pid == 0) {
		int failed = try_all();
		mempool_disconnect(conn);
		_exit(failed ? failed : open_anew());
	}
	check_child(pid);
	ck_assert_int_eq(mempool_put(pool, mine), 0);
	end_forks();
}
END_TEST

static bool is_tried(const char *name)
{
	for (size_t i = 0; i < N_CALLS; i++) {
		if (strcmp(calls[i].name, name) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
		if (strcmp(harmless[i], name) == 0) {
			return true;
		}
	}
	return false;
}

START_TEST(no_call_is_left_out)
{
	FILE *map = fopen(TEST_MAP, "r");
	char line[200], name[100];
	int n = 0;

	ck_assert_ptr_nonnull(map);
	while (fgets(line, sizeof line, map)) {
		if (sscanf(line, " %99[a-z_]", name) == 1 && strncmp(name, "mempool_", 8) == 0) {
			ck_assert_msg(is_tried(name), "%s is not tried in a child", name);
			n++;
		}
	}
	fclose(map);
	ck_assert_int_gt(n, 40);
}
END_TEST

/* ---- a fork while threads are inside calls ---- */

static volatile bool at_work;

static void *get_and_put(void *unused)
{
	while (at_work) {
		mempool_put(pool, mempool_get(pool));
		mempool_put(pool, NULL);
	}
	return unused;
}

static void *receive_all(void *unused)
{
	while (at_work) {
		mempool_channel_receive(in, 1);
		mempool_get_wait(empty, 1);
	}
	return unused;
}

static void *open_and_close(void *unused)
{
	while (at_work) {
		struct mempool *p;
		if (mempool_open(conn, "empty", MEMPOOL_OBSERVE, &p) == 0) {
			mempool_stat(p, &numbers);
			mempool_close(p);
		}
		mempool_find_pool(conn, "frames", &info);
	}
	return unused;
}

/* Threads that come and go take the lock on the list of threads. */
static void *fail_once(void *unused)
{
	mempool_put(pool, NULL);
	return unused;
}

static void *come_and_go(void *unused)
{
	pthread_t thread;

	while (at_work) {
		if (pthread_create(&thread, NULL, fail_once, NULL) == 0) {
			pthread_join(thread, NULL);
		}
	}
	return unused;
}

START_TEST(a_child_of_busy_threads_neither_hangs_nor_crashes)
{
	void *(*const jobs[])(void *) = {get_and_put, receive_all, open_and_close, open_and_close,
					 come_and_go};
	enum { JOBS = sizeof jobs / sizeof *jobs, FORKS = TEST_IS_SANITIZED ? 20 : 200 };
	pthread_t threads[JOBS];

	begin_forks();
	at_work = true;
	for (int i = 0; i < JOBS; i++) {
		pthread_create(&threads[i], NULL, jobs[i], NULL);
	}
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			int failed = try_all();
			_exit(failed || i % 10 ? failed : open_anew());
		}
		check_child(pid);
	}
	at_work = false;
	for (int i = 0; i < JOBS; i++) {
		pthread_join(threads[i], NULL);
	}
	end_forks();
}
END_TEST

SUITE("forked", every_call_of_a_forked_child_is_told_why, no_call_is_left_out,
      a_child_of_busy_threads_neither_hangs_nor_crashes)
