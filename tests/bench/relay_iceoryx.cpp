/* SPDX-License-Identifier: MIT */
/*
 * iceoryx 2.0.3, with an iox-roudi of its own that ends after it; a program of its own, started as
 * relay_dpdk.c is. Loan and publish, take and release; there are no bulks. The queue is as deep as
 * iceoryx allows, 256, and a publisher waits while it is full. A subscriber may not send on what it
 * received, so an echo answers with a block of its own.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

extern "C" {
#include "tests/bench/peer.h"
#include "tests/bench/relay.h"
#include "tests/bench/worker.h"
}

#define START_MS 10000
#define MEET_MS 5000
#define FORGET_US 2500000

struct end {
	iox::popo::UntypedPublisher *out;
	iox::popo::UntypedSubscriber *in;
};

static unsigned seat;

RELAY_INLINE bool get(void *at, void **blocks, size_t)
{
	auto loan = static_cast<end *>(at)->out->loan(RELAY_BLOCK_SIZE);

	if (loan.has_error()) {
		return false;
	}
	*blocks = loan.value();
	return true;
}

RELAY_INLINE bool send_one(void *at, void **blocks, size_t)
{
	static_cast<end *>(at)->out->publish(*blocks);
	return true;
}

RELAY_INLINE size_t receive(void *at, void **blocks, size_t)
{
	for (;;) {
		auto taken = static_cast<end *>(at)->in->take();
		if (!taken.has_error()) {
			*blocks = const_cast<void *>(taken.value());
			return 1;
		}
		if (taken.get_error() != iox::popo::ChunkReceiveResult::NO_CHUNK_AVAILABLE) {
			return 0;
		}
		relay_pause();
	}
}

/* Releasing is the receiving side's: a loan is never put back unsent here. */
RELAY_INLINE bool put(void *at, void **blocks, size_t)
{
	static_cast<end *>(at)->in->release(*blocks);
	return true;
}

RELAY_INLINE bool reply(void *at, void **block)
{
	uint64_t number = *static_cast<uint64_t *>(*block);

	put(at, block, 1);
	if (!get(at, block, 1)) {
		return false;
	}
	relay_write(*block, number);
	return send_one(at, block, 1);
}

/* ---- its daemon ---- */

static bool write_config(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file) {
		return false;
	}
	fprintf(file, "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\n");
	fprintf(file, "size = %d\ncount = %d\n", RELAY_BLOCK_SIZE, RELAY_BLOCKS);
	return fclose(file) == 0;
}

static void be_roudi(const char *config, const char *log)
{
	if (freopen(log, "w", stdout)) {
		dup2(1, 2);
		execlp("iox-roudi", "iox-roudi", "-l", "error", "-c", config, nullptr);
	}
	_exit(127);
}

/*
 * Lives as long as the daemon, which it ends some time after the last worker, whose end of the pipe
 * is closed by its death: a daemon that finds clients missing as it ends aborts and leaves its
 * memory behind; after a second and a half it knows that they are dead.
 */
static void be_keeper(const char *config, const char *log, int from)
{
	char nothing;

	setsid();
	pid_t roudi = fork();
	if (roudi == 0) {
		be_roudi(config, log);
	}
	while (waitpid(roudi, nullptr, WNOHANG) == 0) {
		struct pollfd p = {from, POLLIN, 0};
		if (poll(&p, 1, 10) == 1 && read(from, &nothing, 1) == 0) {
			usleep(FORGET_US);
			kill(roudi, SIGTERM);
			waitpid(roudi, nullptr, 0);
			break;
		}
	}
	_exit(0);
}

static bool says_ready(const char *log)
{
	char said[4096];
	FILE *file = fopen(log, "r");
	size_t n = file ? fread(said, 1, sizeof said - 1, file) : 0;

	if (file) {
		fclose(file);
	}
	said[n] = '\0';
	return strstr(said, "ready") != nullptr;
}

/* Whether it gets ready before it ends or the time is over. */
static bool gets_ready(pid_t keeper, const char *log)
{
	for (int ms = 0; ms < START_MS && waitpid(keeper, nullptr, WNOHANG) == 0; ms++) {
		if (says_ready(log)) {
			return true;
		}
		usleep(1000);
	}
	return false;
}

static bool prepare(char *why)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");
	std::string config = std::string(dir ? dir : "/tmp") + "/roudi.toml";
	std::string log = std::string(dir ? dir : "/tmp") + "/roudi.log";
	int life[2];

	if (!write_config(config.c_str())) {
		snprintf(why, BENCH_WHY, "%.80s: %s", config.c_str(), strerror(errno));
		return false;
	}
	if (pipe2(life, O_CLOEXEC) < 0) {
		snprintf(why, BENCH_WHY, "pipe: %s", strerror(errno));
		return false;
	}
	pid_t keeper = fork();
	if (keeper == 0) {
		close(life[1]);
		be_keeper(config.c_str(), log.c_str(), life[0]);
	}
	close(life[0]);
	if (keeper < 0 || !gets_ready(keeper, log.c_str())) {
		snprintf(why, BENCH_WHY, "iox-roudi does not start; is there one already?");
		return false;
	}
	return true;
}

/* ---- the two ends ---- */

static void enter(unsigned mine)
{
	seat = mine;
	iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
		iox::log::LogLevel::kError, iox::log::LogLevelOutput::kHideLogLevel);
	iox::runtime::PoshRuntime::initRuntime(mine == 0 ? "relay-0" : "relay-1");
}

static void *open_end(unsigned, char *why)
{
	static end only;
	iox::popo::PublisherOptions publisher;
	iox::popo::SubscriberOptions subscriber;

	publisher.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
	subscriber.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
	subscriber.queueCapacity = iox::MAX_SUBSCRIBER_QUEUE_CAPACITY;
	const iox::capro::ServiceDescription there{"bench", "relay", "there"};
	const iox::capro::ServiceDescription back{"bench", "relay", "back"};
	/* Never deleted: that would talk to a daemon which may be gone. */
	only.out = new iox::popo::UntypedPublisher(seat == 0 ? there : back, publisher);
	only.in = new iox::popo::UntypedSubscriber(seat == 0 ? back : there, subscriber);
	for (int ms = 0; ms < MEET_MS; ms++) {
		if (only.out->hasSubscribers() &&
		    only.in->getSubscriptionState() == iox::SubscribeState::SUBSCRIBED) {
			return &only;
		}
		usleep(1000);
	}
	snprintf(why, BENCH_WHY, "publisher and subscriber did not find each other");
	return nullptr;
}

static bool relay(void *at, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static constexpr relay_ops ops = {get, send_one, receive, put, reply};

	return bulk == 1 && relay_run(ops, at, seat, kind, 1, blocks);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "relay-iceoryx is started by handoff\n");
		return 2;
	}
	peer me{};
	me.name = argv[3];
	me.prepare = prepare;
	me.enter = enter;
	me.open = open_end;
	me.relay = relay;
	const unsigned cpus[2] = {static_cast<unsigned>(strtoul(argv[1], nullptr, 10)),
				  static_cast<unsigned>(strtoul(argv[2], nullptr, 10))};
	const int lines[2] = {WORKER_LINE, WORKER_LINE + 1};
	worker_pair(&me, lines, cpus);
	_exit(0); /* its destructors would talk to the daemon */
}
