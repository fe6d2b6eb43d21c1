/* SPDX-License-Identifier: MIT */
/*
 * iceoryx 2.0.3 with a daemon of its own, a program of its own. Loan and publish, take and release.
 * There is a topic for each number of subscribers. Its queues are as deep as iceoryx allows, 256,
 * which is a batch.
 */
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

extern "C" {
#include "tests/bench/party.h"
#include "tests/bench/roudi.h"
#include "tests/bench/spread.h"
#include "tests/bench/worker.h"
}

#define MEET_MS 5000

static_assert(SPREAD_BATCH <= iox::MAX_SUBSCRIBER_QUEUE_CAPACITY, "a batch fits into a queue");

/* By number of subscribers; most are none. */
static iox::popo::UntypedPublisher *publishers[SPREAD_RECEIVERS + 1];
static iox::popo::UntypedSubscriber *subscribers[SPREAD_RECEIVERS + 1];

static unsigned seat;

/* The topic of a slice. */
struct end {
	iox::popo::UntypedPublisher *out;
	iox::popo::UntypedSubscriber *in;
};

RELAY_INLINE bool get(void *at, void **block)
{
	auto loan = static_cast<end *>(at)->out->loan(SPREAD_BLOCK_SIZE);

	if (loan.has_error()) {
		return false;
	}
	*block = loan.value();
	return true;
}

RELAY_INLINE bool publish(void *at, void *block)
{
	static_cast<end *>(at)->out->publish(block);
	return true;
}

RELAY_INLINE const void *take(void *at)
{
	auto taken = static_cast<end *>(at)->in->take();

	return taken.has_error() ? nullptr : taken.value();
}

RELAY_INLINE bool done(void *at, const void *block)
{
	static_cast<end *>(at)->in->release(block);
	return true;
}

static bool prepare(char *why)
{
	return roudi_start(SPREAD_BLOCK_SIZE, SPREAD_BLOCKS, why);
}

static void enter(unsigned mine)
{
	seat = mine;
	iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
		iox::log::LogLevel::kError, iox::log::LogLevelOutput::kHideLogLevel);
	const std::string name = "spread-" + std::to_string(mine);
	iox::runtime::PoshRuntime::initRuntime(
		iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name.c_str()));
}

/* Never deleted: that would talk to a daemon which may be gone. */
static void open_topic(unsigned n)
{
	iox::popo::PublisherOptions publisher;
	iox::popo::SubscriberOptions subscriber;
	const iox::capro::ServiceDescription topic{
		"bench", "spread",
		iox::capro::IdString_t(iox::cxx::TruncateToCapacity, std::to_string(n).c_str())};

	publisher.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
	subscriber.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
	subscriber.queueCapacity = iox::MAX_SUBSCRIBER_QUEUE_CAPACITY;
	if (seat == 0) {
		publishers[n] = new iox::popo::UntypedPublisher(topic, publisher);
	} else if (seat <= n) {
		subscribers[n] = new iox::popo::UntypedSubscriber(topic, subscriber);
	}
}

static bool is_met(unsigned n)
{
	if (seat == 0) {
		return publishers[n]->hasSubscribers();
	}
	return seat > n ||
	       subscribers[n]->getSubscriptionState() == iox::SubscribeState::SUBSCRIBED;
}

static void *open_end(unsigned, char *why)
{
	static end only;

	for (unsigned n = 1; n <= SPREAD_RECEIVERS; n *= 2) {
		open_topic(n);
	}
	for (unsigned n = 1, ms = 0; n <= SPREAD_RECEIVERS; ms++) {
		if (is_met(n)) {
			n *= 2;
		} else if (ms == MEET_MS) {
			snprintf(why, BENCH_WHY,
				 "publisher and subscribers did not find each other");
			return nullptr;
		} else {
			usleep(1000);
		}
	}
	return &only;
}

static int64_t spread(void *at, const slice *slice, unsigned mine, uint64_t blocks)
{
	static constexpr spread_ops ops = {get, publish, take, done};
	end *end = static_cast<struct end *>(at);

	end->out = publishers[slice->receivers];
	end->in = subscribers[slice->receivers];
	return spread_broadcast(ops, end, mine, slice->kind, blocks);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "spread-iceoryx is started by spread\n");
		return 2;
	}
	peer me{};
	me.name = argv[3];
	me.prepare = prepare;
	me.enter = enter;
	me.open = open_end;
	me.spread = spread;
	const unsigned cpus[2] = {static_cast<unsigned>(strtoul(argv[1], nullptr, 10)),
				  static_cast<unsigned>(strtoul(argv[2], nullptr, 10))};
	const int lines[2] = {WORKER_LINE, WORKER_LINE + 1};
	party_play(&me, lines, cpus);
	_exit(0); /* its destructors would talk to the daemon */
}
