/* SPDX-License-Identifier: MIT */
/* A daemon configured by files: what it makes, whom it lets do what, and what SIGHUP does. */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/system/configured.h"

/* Runs mempoold with these arguments; returns its exit status. */
static int run(const char *arguments)
{
	char command[1200];
	snprintf(command, sizeof command, "timeout 60 %s %s 2>&1", TEST_MEMPOOLD, arguments);
	FILE *from = popen(command, "r");
	ck_assert_ptr_nonnull(from);
	read_from(from);
	return WEXITSTATUS(pclose(from));
}

static int check(const char *more)
{
	char arguments[300];
	snprintf(arguments, sizeof arguments, "--config %s/mempoold.conf --check-config %s",
		 service.dir, more);
	return run(arguments);
}

/* Ends a test in which no daemon runs. */
static void clean(void)
{
	put("mempoold.conf", "");
	start();
	stop();
}

START_TEST(pools_are_there_before_anybody_is_served)
{
	prepare("[pools]\nmode = 0640\ngift_grace = 3s\n");
	put("pools.d/frames.pool", "[pool]\nblock_size = 2K\nblocks = 100\nmax_blocks = 200\n"
				   "user = 7\ngroup = 8\nschema = 0xfeed\nquota = 9\n"
				   "thread_cache = none\n");
	put("pools.d/large.pool", "[pool]\nblock_size = 1M\nblocks = 64M\n");
	put("pools.d/middle.pool", "[pool]\nblock_size = 1M\nblocks = 200\nmode = 0600\n");
	put("pools.d/wrong.pool", "[pool]\nblock_size = 2K\nbloks = 100\n");
	start();
	ck_assert(is_there("middle"));
	ck_assert_uint_eq(info.mode, 0600);
	ck_assert_uint_eq(info.uid, geteuid());
	ck_assert_uint_eq(info.gid, getegid());
	ck_assert(is_there("frames"));
	ck_assert_uint_eq(info.block_size, 2048);
	ck_assert_uint_eq(info.blocks, 100);
	ck_assert_uint_eq(info.max_blocks, 200);
	ck_assert_uint_eq(info.uid, 7);
	ck_assert_uint_eq(info.gid, 8);
	ck_assert_uint_eq(info.mode, 0640);
	ck_assert_uint_eq(info.schema, 0xfeed);
	ck_assert_uint_eq(info.quota, 9);
	ck_assert_uint_eq(info.threads, 0);
	ck_assert_uint_eq(info.gift_grace_ms, 3000);
	expect_log("wrong.pool:3: unknown key 'bloks' in [pool]: did you mean 'blocks'?");
	expect_log("large.pool: pool 'large' is not made, as it needs ");
	ck_assert(!is_there("large"));
	destroy("frames");
	destroy("middle");
	stop();
}
END_TEST

START_TEST(a_pool_that_exists_is_kept)
{
	prepare("");
	put("pools.d/frames.pool", "[pool]\nblock_size = 2K\nblocks = 100\nmax_blocks = 200\n");
	start();
	ck_assert(is_there("frames"));
	uint64_t id = info.id;
	ck_assert_int_eq(mempool_grow(conn, "frames", 150), 0);
	service_kill(&service);
	forget_log();
	service_restart(&service);
	expect_log("ready: ");
	ck_assert(!log_has("frames.pool"));
	put("pools.d/frames.pool", "[pool]\nblock_size = 4K\nblocks = 100\nmode = 0666\n");
	reload("frames.pool: pool 'frames' exists and is kept, though it differs in block_size, "
	       "blocks, max_blocks, mode: destroy it");
	ck_assert(is_there("frames"));
	ck_assert_uint_eq(info.id, id);
	ck_assert_uint_eq(info.block_size, 2048);
	destroy("frames");
	stop();
}
END_TEST

/* It takes the daemon a moment to reserve them. */
START_TEST(a_start_can_be_ended_while_pools_are_made)
{
	prepare("");
	put("pools.d/huge.pool", "[pool]\nblock_size = 1M\nblocks = 3000\n");
	for (long ms = 0; ms < 200; ms += 40) {
		int status;
		service.pid = fork();
		if (service.pid == 0) {
			char config[100];
			snprintf(config, sizeof config, "%s/mempoold.conf", service.dir);
			execl(TEST_MEMPOOLD, "mempoold", "--runtime-dir", service.dir, "--instance",
			      service.instance, "--config", config, "--log-level", "error",
			      (char *)NULL);
			_exit(127);
		}
		/* The registry, and one of the pool; there is none when /dev/shm is too small. */
		for (int i = 0; i < 5000 && service_objects(&service) < 2; i++) {
			sleep_ms(1);
		}
		sleep_ms(ms);
		kill(service.pid, SIGTERM);
		ck_assert_int_eq(waitpid(service.pid, &status, 0), service.pid);
		ck_assert_int_eq(status, 0);
	}
	put("pools.d/huge.pool", "");
	start();
	if (is_there("huge")) {
		destroy("huge");
	}
	stop();
}
END_TEST

START_TEST(rules_decide_who_may_do_what)
{
	if (getuid() != 0) {
		return; /* the other user can only be had by root */
	}
	prepare("[pools]\nmode = 0666\n[access camera.*]\ncreate = root\nwrite = root\n"
		"read = @65534\n[access camera.own.*]\ncreate = 65534\ndestroy = root\n"
		"[access camera.open]\nobserve = *\nread =\n"
		"[access camera.seen]\nwrite = 65534\nread = root\nobserve = root\n");
	start();
	struct actor a = other();
	ck_assert_int_eq(create("camera.front", 64, 10), 0);
	ck_assert_int_eq(actor_ask(&a, "make camera.x"), -EACCES);
	ck_assert_int_eq(actor_ask(&a, "open camera.front"), -EACCES);
	ck_assert_int_eq(actor_ask(&a, "open camera.front observer"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(actor_ask(&a, "open camera.front reader"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(actor_ask(&a, "make camera.own.a"), 0);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	ck_assert_int_eq(actor_ask(&a, "destroy camera.own.a"), -EACCES);
	ck_assert_int_eq(actor_ask(&a, "grow camera.own.a 100"), -EACCES);
	ck_assert_int_eq(create("camera.open", 64, 10), 0);
	ck_assert_int_eq(actor_ask(&a, "open camera.open reader"), -EACCES);
	ck_assert_int_eq(actor_ask(&a, "open camera.open observer"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	/* Who may write may read, and who may read may observe. */
	ck_assert_int_eq(create("camera.seen", 64, 10), 0);
	ck_assert_int_eq(actor_ask(&a, "open camera.seen reader"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(actor_ask(&a, "open camera.seen observer"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	/* Where no rule says anything, it is as ever. */
	ck_assert_int_eq(actor_ask(&a, "make cameras"), 0);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	ck_assert_int_eq(actor_ask(&a, "destroy cameras"), 0);
	actor_kill(&a);
	destroy("camera.front");
	destroy("camera.open");
	destroy("camera.seen");
	destroy("camera.own.a");
	stop();
}
END_TEST

START_TEST(limits_bind_users_and_are_named)
{
	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nsessions_per_user = 2\npools_per_user = 2\nblocks_per_user = 250\n"
		"bytes_per_user = 8M\nseats_per_user = 1\n");
	start();
	struct actor a = other(), b = other(), c = other();
	ck_assert_int_eq(actor_ask(&a, "make one"), 0);
	ck_assert_int_eq(actor_ask(&a, "make two"), -EUSERS);
	expect_log("`seats_per_user` allows no more");
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	ck_assert_int_eq(actor_ask(&a, "make two"), 0);
	ck_assert_int_eq(actor_ask(&b, "make three"), -EDQUOT);
	expect_log("pool 'three', uid 65534, pid ");
	expect_log("not made: uid 65534 has as many pools as `pools_per_user` allows, 2; ");
	ck_assert_int_eq(actor_ask(&c, "open one"), -EUSERS);
	expect_log("too many sessions: `sessions_per_user` allows no more");
	ck_assert_int_eq(actor_ask(&b, "destroy one"), 0);
	ck_assert_int_eq(actor_ask(&b, "large three 9"), -EDQUOT);
	expect_log("has 0 MiB, `bytes_per_user` allows 8, and this is 9 more; ");
	/* Root is not bound, and what it has is not the user's. */
	ck_assert_int_eq(create("large", 1 << 20, 20), 0);
	ck_assert_int_eq(create("many", 16, 1000), 0);
	put("mempoold.conf", "[limits]\nblocks_per_user = 150\n");
	reload("configuration read again");
	ck_assert_int_eq(actor_ask(&b, "make three"), -EDQUOT);
	expect_log("has 100 blocks, `blocks_per_user` allows 150, and this is 100 more; ");
	actor_kill(&a);
	actor_kill(&b);
	actor_kill(&c);
	destroy("large");
	destroy("many");
	destroy("two");
	stop();
}
END_TEST

START_TEST(growing_is_limited_too)
{
	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nblocks_per_user = 150\nbytes_per_user = 1M\n");
	put("pools.d/theirs.pool",
	    "[pool]\nblock_size = 64\nblocks = 100\nmax_blocks = 1000\nuser = 65534\n");
	put("pools.d/wide.pool",
	    "[pool]\nblock_size = 64K\nblocks = 1\nmax_blocks = 1000\nuser = 65534\n");
	start();
	struct actor a = other();
	ck_assert_int_eq(actor_ask(&a, "grow theirs 150"), -EDQUOT);
	expect_log("did not grow: uid 65534 has 101 blocks, `blocks_per_user` allows 150, ");
	ck_assert_int_eq(actor_ask(&a, "grow theirs 149"), 0);
	ck_assert_int_eq(actor_ask(&a, "grow theirs 150"), -EDQUOT);
	ck_assert_int_eq(mempool_grow(conn, "theirs", 200), 0);
	put("mempoold.conf", "[limits]\nbytes_per_user = 1M\n");
	reload("configuration read again");
	ck_assert_int_eq(actor_ask(&a, "grow wide 17"), -EDQUOT);
	expect_log("`bytes_per_user` allows 1, and this is 1 more; ");
	actor_kill(&a);
	destroy("theirs");
	destroy("wide");
	stop();
}
END_TEST

START_TEST(the_budget_binds_everybody)
{
	prepare("[limits]\nbytes = 8M\npools = 2\n");
	put("pools.d/first.pool", "[pool]\nblock_size = 1M\nblocks = 4\nmax_blocks = 8\n");
	put("pools.d/second.pool", "[pool]\nblock_size = 1M\nblocks = 4\n");
	start();
	expect_log("second.pool: pool 'second' is not made: pools have 4 MiB, `bytes` allows 8, ");
	ck_assert_int_eq(create("large", 1 << 20, 4), -EDQUOT);
	ck_assert_int_eq(mempool_grow(conn, "first", 8), -EDQUOT);
	expect_log("pool 'first', uid ");
	ck_assert_int_eq(mempool_grow(conn, "first", 5), 0);
	ck_assert_int_eq(create("small", 64, 4), 0);
	ck_assert_int_eq(create("smaller", 64, 1), -EDQUOT);
	expect_log("as many pools as `pools` allows, 2; ");
	destroy("first");
	destroy("small");
	stop();
}
END_TEST

static bool is_growing(void *arg)
{
	char path[NAME_MAX + 20];
	struct stat st;
	(void)arg;
	snprintf(path, sizeof path, "/dev/shm/mempool.%s.big.%016" PRIx64 ".dat", service.instance,
		 info.id);
	return stat(path, &st) == 0 && st.st_blocks > 100 << 11; /* 100 MiB */
}

/* Not only when it has. */
START_TEST(what_a_pool_is_about_to_grow_to_counts)
{
	struct actor a;
	prepare("[limits]\nbytes = 1100M\n");
	put("pools.d/big.pool", "[pool]\nblock_size = 1M\nblocks = 1\nmax_blocks = 1000\n");
	start();
	ck_assert(is_there("big"));
	actor_start(&a);
	actor_tell(&a, "grow big 1000");
	ck_assert(wait_until(is_growing, NULL, HANG_MS));
	ck_assert_int_eq(create("large", 1 << 20, 200), -EDQUOT);
	ck_assert_int_eq(actor_hear(&a), 0);
	actor_kill(&a);
	destroy("big");
	stop();
}
END_TEST

START_TEST(a_reload_applies_what_can_be)
{
	prepare("");
	put("pools.d/old.pool", "[pool]\nblock_size = 64\nblocks = 10\n");
	start();
	put("mempoold.conf",
	    "[daemon]\nsocket_mode = 0660\nlog_level = debug\n[limits]\npools = 2\n");
	put("pools.d/new.pool", "[pool]\nblock_size = 64\nblocks = 10\n");
	take_away("pools.d/old.pool");
	reload("needs a restart, and stays as it was: socket_mode");
	expect_log("old.pool is gone: pool 'old' stays; ");
	expect_log("pool 'new' of uid ");
	ck_assert(is_there("new"));
	ck_assert(is_there("old"));
	ck_assert_int_eq(create("third", 64, 1), -EDQUOT);
	expect_log("debug: ");
	/* Said as often as it is so. */
	reload("needs a restart, and stays as it was: socket_mode");
	destroy("new");
	destroy("old");
	stop();
}
END_TEST

START_TEST(a_reload_with_faults_changes_nothing)
{
	prepare("[limits]\npools = 1\n");
	start();
	put("mempoold.conf", "[limits]\npools = 3\nsesions = 2\n");
	reload("mempoold.conf:3: unknown key 'sesions' in [limits]: did you mean 'sessions'?");
	expect_log("the configuration has faults: all stays as it was");
	put("mempoold.conf", "[limits]\npools = 3\n");
	put("pools.d/wrong.pool", "[pool]\n");
	reload("the configuration has faults: all stays as it was");
	ck_assert_int_eq(create("one", 64, 1), 0);
	ck_assert_int_eq(create("two", 64, 1), -EDQUOT);
	take_away("pools.d/wrong.pool");
	reload("configuration read again");
	ck_assert_int_eq(create("two", 64, 1), 0);
	destroy("one");
	destroy("two");
	stop();
}
END_TEST

START_TEST(a_check_tells_all_faults_and_what_holds)
{
	prepare("[limits]\npools = 7\n[access a*]\nread = root @0 *\n");
	put("pools.d/frames.pool", "[pool]\nblock_size = 2K\nblocks = 100\n");
	ck_assert_int_eq(check(""), 0);
	ck_assert_str_eq(said, "configuration is good\n");
	ck_assert_int_eq(check("--verbose"), 0);
	ck_assert_ptr_nonnull(strstr(said, "\npools = 7 ; line 2\n"));
	ck_assert_ptr_nonnull(strstr(said, "\nlog_level = info ; default\n"));
	ck_assert_ptr_nonnull(strstr(said, "[access a*]\nread = 0 @0 *\n"));
	ck_assert_ptr_nonnull(strstr(said, "frames.pool: pool 'frames', 100 blocks of 2048 bytes"));
	put("mempoold.conf", "[limits]\npools = 7K\n[access a*]\nread = nobody.here\n");
	put("pools.d/frames.pool", "[pool]\nblock_size = 2K\n");
	ck_assert_int_eq(check("--verbose"), 1);
	ck_assert_ptr_nonnull(strstr(said, "mempoold.conf:2: pools cannot be '7K': say a number"));
	ck_assert_ptr_nonnull(strstr(said, "mempoold.conf:4: there is no user 'nobody.here': "));
	ck_assert_ptr_nonnull(strstr(said, "frames.pool: blocks is missing: say it below [pool]"));
	ck_assert_ptr_null(strstr(said, "configuration is good"));
	put("pools.d/frames.pool", "");
	clean();
}
END_TEST

START_TEST(a_daemon_with_a_faulty_main_file_does_not_start)
{
	char arguments[300];
	prepare("[limits]\npools = 0\n");
	snprintf(arguments, sizeof arguments,
		 "--config %s/mempoold.conf --runtime-dir %s --instance %s", service.dir,
		 service.dir, service.instance);
	ck_assert_int_eq(run(arguments), 1);
	ck_assert_ptr_nonnull(strstr(said, "mempoold.conf:2: pools cannot be '0': "));
	ck_assert_ptr_nonnull(strstr(said, "mempoold does not start with such a configuration"));
	snprintf(arguments, sizeof arguments, "--config %s/none --runtime-dir %s", service.dir,
		 service.dir);
	ck_assert_int_eq(run(arguments), 1);
	ck_assert_ptr_nonnull(strstr(said, "/none: is not there: make it, "));
	clean();
}
END_TEST

START_TEST(printed_files_are_good_as_they_are)
{
	char arguments[300];
	prepare("");
	snprintf(arguments, sizeof arguments, "--print-config >%s/mempoold.conf", service.dir);
	ck_assert_int_eq(run(arguments), 0);
	ck_assert_int_eq(check(""), 0);
	snprintf(arguments, sizeof arguments,
		 "--print-config=pool | sed 's/^#\\(blocks\\|block_size\\) =/\\1 = 64/' "
		 ">%s/pools.d/a.pool",
		 service.dir);
	ck_assert_int_eq(run(arguments), 0);
	ck_assert_int_eq(check("--verbose"), 0);
	ck_assert_ptr_nonnull(strstr(said, "pool 'a', 64 blocks of 64 bytes"));
	put("pools.d/a.pool", "");
	clean();
}
END_TEST

/* It is the user's or the system's, but not this one's; and what was said by hand holds. */
START_TEST(a_private_instance_reads_nothing_by_itself)
{
	char arguments[300];
	prepare("[limits]\npools = 0\n");
	snprintf(arguments, sizeof arguments, "--runtime-dir %s --check-config", service.dir);
	setenv("XDG_CONFIG_HOME", service.dir, 1);
	ck_assert_int_eq(run(arguments), 0);
	if (getuid() != 0) {
		char link[200];
		snprintf(link, sizeof link, "%s/mempoold", service.dir);
		ck_assert_int_eq(symlink(".", link), 0);
		ck_assert_int_eq(run("--check-config"), 1);
	}
	clean();
}
END_TEST

START_TEST(the_command_line_goes_before_the_file)
{
	char text[300];
	struct stat st;
	prepare("");
	snprintf(text, sizeof text,
		 "[daemon]\nruntime_dir = /nowhere/at/all\nlog_level = debug\n"
		 "socket_mode = 0620\nsocket_group = %u\ninstance = wrong\n",
		 getegid());
	put("mempoold.conf", text);
	start();
	expect_log("debug: ");
	ck_assert_int_eq(stat(service.socket, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0620);
	ck_assert_uint_eq(st.st_gid, getegid());
	struct mempool_daemon daemon;
	ck_assert_int_eq(mempool_daemon(conn, &daemon), 0);
	ck_assert_str_eq(daemon.instance, service.instance);
	stop();
}
END_TEST

START_TEST(connections_in_all_are_limited_and_some_are_kept_for_root)
{
	struct mempool_conn *second, *third;
	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nsessions = 3\nsessions_kept = 1\n");
	start();
	struct actor a = other(), b = other();
	ck_assert_int_eq(actor_ask(&a, "make one"), 0);
	ck_assert_int_eq(actor_ask(&b, "open one"), -EUSERS);
	expect_log("too many sessions: `sessions` allows no more");
	ck_assert_int_eq(mempool_connect(&second, NULL), 0);
	ck_assert_int_eq(mempool_connect(&third, NULL), -EUSERS);
	mempool_disconnect(second);
	actor_kill(&a);
	actor_kill(&b);
	destroy("one");
	stop();
}
END_TEST

/* Connects and says nothing. */
static int connect_silently(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, service.socket);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static bool is_let_in(void *unused)
{
	(void)unused;
	return mempool_connect(&conn, NULL) == 0;
}

/* One has the only session; 64 stay to hear that there is none for them; one more hears it, too. */
START_TEST(one_connection_more_than_can_be_refused_is_refused)
{
	enum { EXCESS = 64 };
	int fds[EXCESS];
	struct mempool_conn *more;

	prepare("[limits]\nsessions = 1\nsessions_kept = 0\n");
	start();
	for (int i = 0; i < EXCESS; i++) {
		fds[i] = connect_silently();
	}
	ck_assert_int_eq(mempool_connect(&more, NULL), -EUSERS);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "may wait to hear of it"));
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "close some connections"));
	for (int i = 0; i < EXCESS; i++) {
		close(fds[i]);
	}
	mempool_disconnect(conn);
	ck_assert(wait_until(is_let_in, NULL, HANG_MS));
	stop();
}
END_TEST

/*
 * Runs a daemon that is told to reload until it has made a pool that was not there before; returns
 * whether debug lines were logged then.
 */
static bool is_chatty(const char *option)
{
	char arguments[800];
	put("late", "[pool]\nblock_size = 64\nblocks = 10\n");
	snprintf(arguments, sizeof arguments,
		 "--runtime-dir %s/own --instance %.20s-own --config %s/mempoold.conf %s 2>&1 & "
		 "p=$!; until test -S %s/own/socket; do sleep 0.02; done; "
		 "mv %s/late %s/pools.d/late.pool; "
		 "until ls /dev/shm | grep -q 'mempool.%.20s-own.late.'; do "
		 "kill -HUP $p; sleep 0.05; done; kill $p; wait $p; rm %s/pools.d/late.pool",
		 service.dir, service.instance, service.dir, option, service.dir, service.dir,
		 service.dir, service.instance, service.dir);
	run(arguments);
	return strstr(said, "debug: ");
}

START_TEST(the_level_said_on_the_command_line_survives_a_reload)
{
	prepare("[daemon]\nlog_level = debug\n[pools]\non_stop = unused\n");
	ck_assert(is_chatty(""));
	ck_assert(!is_chatty("--log-level error"));
	ck_assert_str_eq(said, "");
	clean();
}
END_TEST

START_TEST(what_nobody_has_open_goes_with_the_daemon_if_so_wanted)
{
	prepare("[pools]\non_stop = unused\n");
	start();
	ck_assert_int_eq(create("idle", 64, 10), 0);
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "make busy"), 0);
	kill(service.pid, SIGTERM);
	ck_assert_int_eq(waitpid(service.pid, NULL, 0), service.pid);
	service_restart(&service);
	ck_assert(!is_there("idle"));
	ck_assert(is_there("busy"));
	/* A daemon that is killed is not asked. */
	ck_assert_int_eq(create("idle", 64, 10), 0);
	service_kill(&service);
	service_restart(&service);
	ck_assert(is_there("idle"));
	actor_kill(&a);
	destroy("busy");
	destroy("idle");
	stop();
}
END_TEST

SUITE("config", pools_are_there_before_anybody_is_served, a_pool_that_exists_is_kept,
      a_start_can_be_ended_while_pools_are_made, rules_decide_who_may_do_what,
      limits_bind_users_and_are_named, what_a_pool_is_about_to_grow_to_counts,
      growing_is_limited_too, the_budget_binds_everybody, a_reload_applies_what_can_be,
      a_reload_with_faults_changes_nothing, a_check_tells_all_faults_and_what_holds,
      a_daemon_with_a_faulty_main_file_does_not_start, printed_files_are_good_as_they_are,
      a_private_instance_reads_nothing_by_itself, the_command_line_goes_before_the_file,
      connections_in_all_are_limited_and_some_are_kept_for_root,
      one_connection_more_than_can_be_refused_is_refused,
      the_level_said_on_the_command_line_survives_a_reload,
      what_nobody_has_open_goes_with_the_daemon_if_so_wanted)
