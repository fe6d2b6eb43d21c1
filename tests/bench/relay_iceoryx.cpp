/* SPDX-License-Identifier: MIT */
/*
 * iceoryx 2.0.3, with an iox-roudi of its own that ends after it; a program of its own, started as
 * relay_dpdk.c is. Loan and publish, take and release; there are no bulks. The queue is as deep as
 * iceoryx allows, 256, and a publisher waits while it is full. A subscriber may not send on what it
 * received, so an echo answers with a block of its own.
 */
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>

extern "C" {
#include "tests/bench/peer.h"
#include "tests/bench/relay.h"
#include "tests/bench/roudi.h"
#include "tests/bench/worker.h"
}

#define MEET_MS 5000

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

static bool prepare(char *why)
{
	return roudi_start(RELAY_BLOCK_SIZE, RELAY_BLOCKS, why);
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
