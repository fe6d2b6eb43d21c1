/* SPDX-License-Identifier: MIT */
/* Blocks on their way: channels, loops over them, gifts, batches, waits; and what is in a block. */
#include "cases.hpp"

#include <sys/poll.h>

#include <iterator>
#include <list>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using mempools::batch;
using mempools::block;
using mempools::loan;
using mempools::pool;
using mempools::receiver;
using mempools::sender;
using mempools::subscriber;
using mempools::timeout;

static_assert(timeout().ms() == -1 && mempools::forever.ms() == -1);
static_assert(mempools::at_once.ms() == 0 && timeout(-5s).ms() == 0);
static_assert(timeout(1ms).ms() == 1 && timeout(2s).ms() == 2000);
static_assert(timeout(1ns).ms() == 1 && timeout(1000001ns).ms() == 2 && timeout(1000us).ms() == 1);
static_assert(timeout(std::chrono::duration<double>(0.0015)).ms() == 2);
static_assert(timeout(24h * 30).ms() == -1 && timeout(std::chrono::hours::max()).ms() == -1);
static_assert(timeout(std::chrono::milliseconds(INT_MAX - 1)).ms() == INT_MAX - 1);

#ifdef __cpp_lib_concepts /* what loops go over is a range, too */
using blocks = receiver<frame>::stream;
using loans = subscriber<frame>::stream;
static_assert(std::input_iterator<blocks::iterator> && std::input_iterator<loans::iterator>);
static_assert(std::sentinel_for<blocks::sentinel, blocks::iterator>);
static_assert(std::sentinel_for<loans::sentinel, loans::iterator>);
static_assert(std::forward_iterator<batch<frame, 4>::iterator>);
#endif

static std::uint64_t number_of(block<frame> block)
{
	return block ? block->number : 0;
}

static block<frame> numbered(pool<frame> &frames, std::uint64_t number)
{
	auto block = frames.get();

	block->number = number;
	return block;
}

CASE(waits_last_as_long_as_was_said)
{
	auto frames = make(1);
	auto block = frames.get();
	const auto begin = std::chrono::steady_clock::now();

	CHECK(!frames.try_get(begin + 20ms));
	CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
	CHECK(!frames.try_get(begin)); /* a deadline that has passed */
	CHECK(timeout(std::chrono::system_clock::now() + 1h).ms() > 3590000);
	std::thread late([&] {
		std::this_thread::sleep_for(10ms);
		block.put();
	});
	CHECK(frames.get(1min));
	late.join();
}

CASE(deadlines_far_away_have_passed_or_are_for_ever)
{
	using std::chrono::steady_clock;
	using std::chrono::system_clock;
	using seconds = std::chrono::time_point<system_clock, std::chrono::seconds>;
	using fraction = std::chrono::duration<double>;
	using fractions = std::chrono::time_point<steady_clock, fraction>;
	const auto now = std::chrono::time_point_cast<std::chrono::seconds>(system_clock::now());

	CHECK(timeout(steady_clock::time_point::min()).ms() == 0);
	CHECK(timeout(steady_clock::time_point::max()).ms() == -1);
	CHECK(timeout(seconds::min()).ms() == 0 && timeout(seconds::max()).ms() == -1);
	CHECK(timeout(now + 24h * 365 * 8000).ms() == -1);
	CHECK(timeout(now + 24h * 30).ms() == -1 && timeout(now - 24h * 30).ms() == 0);
	CHECK(timeout(fractions(fraction(1e30))).ms() == -1);
	CHECK(timeout(fractions(fraction(-1e30))).ms() == 0);
}

CASE(queue_brings_what_was_sent_in_order)
{
	auto frames = make(16);
	sender<frame> to(frames, 0);
	receiver<frame> from(frames, 0);

	for (std::uint64_t i = 1; i <= 3; i++) {
		to.send(numbered(frames, i));
	}
	CHECK(!to.try_drain());
	CHECK(number_of(from.receive()) == 1 && number_of(from.receive(1s)) == 2);
	CHECK(number_of(from.try_receive()) == 3 && !from.try_receive());
	CHECK(mempools::last_error() == std::errc::resource_unavailable_try_again);
	to.drain();
	CHECK(to.stat().sent == 3 && used(frames) == 0);
	auto block = frames.get();
	CHECK(to.try_send(std::move(block)) && !block && from.receive());
	CHECK(throws(std::errc::timed_out, [&] { from.receive(1ms); }));
}

CASE(block_that_was_not_sent_is_still_its_sender_s)
{
	auto frames = make(16);
	sender<frame> to(frames, 0, MEMPOOL_CHANNEL_BROADCAST);
	std::error_code code;
	auto block = numbered(frames, 4);

	CHECK(!to.try_send(std::move(block)) && block->number == 4);
	CHECK(mempools::last_error() == std::errc::not_connected);
	CHECK(throws(std::errc::not_connected, [&] { to.send(std::move(block)); }) && block);
	CHECK(!to.send(std::move(block), 1ms, code) && code == std::errc::not_connected);
	CHECK(block && used(frames) == 1);
	subscriber<frame> from(frames, 0);
	CHECK(to.send(std::move(block), 1ms, code) && !code && !block);
}

CASE(work_goes_to_one_of_many)
{
	auto frames = make(16);
	sender<frame> to(frames, 0, MEMPOOL_CHANNEL_WORK);
	receiver<frame> one(frames, 0, MEMPOOL_CHANNEL_WORK);
	receiver<frame> two(frames, 0, MEMPOOL_CHANNEL_WORK);

	to.send(numbered(frames, 1));
	to.send(numbered(frames, 2));
	CHECK(number_of(one.receive()) == 1 && number_of(two.receive()) == 2);
	CHECK(!one.try_receive());
	CHECK(throws(std::errc::wrong_protocol_type, [&] { sender<frame>(frames, 0); }));
}

CASE(loans_are_returned_and_owned_by_the_last)
{
	auto frames = make(16);
	sender<frame> to(frames, 0, MEMPOOL_CHANNEL_BROADCAST);
	subscriber<frame> one(frames, 0);
	subscriber<frame> two(frames, 0);

	to.send(numbered(frames, 5));
	auto first = one.borrow();
	auto second = two.borrow(1s);
	CHECK(first->number == 5 && second.get() == first.get() && !one.try_borrow());
	CHECK(!one.try_own(std::move(first)) && first);
	CHECK(mempools::last_error() == std::errc::device_or_resource_busy);
	CHECK(throws(std::errc::device_or_resource_busy, [&] { one.close(); }));
	second.put();
	CHECK(!second && frames.stat().shared == 1);
	auto mine = one.own(std::move(first));
	CHECK(!first && mine->number == 5 && used(frames) == 1 && frames.stat().shared == 0);
	one.close();
	to.send(std::move(mine));
	{
		auto third = two.borrow();
		third = {};
	}
	CHECK(used(frames) == 0 && frames.stat().shared == 0);
}

CASE(loop_ends_with_the_stream)
{
	auto frames = make(2); /* one is kept, so the loop has to put the other before it waits */
	receiver<frame> from(frames, 0, MEMPOOL_CHANNEL_ENDS);
	std::uint64_t sum = 0;
	std::thread source([&] {
		sender<frame> to(frames, 0);
		for (std::uint64_t i = 1; i <= 100; i++) {
			auto block = frames.get(1min);
			block->number = i;
			to.send(std::move(block));
		}
	});

	block<frame> kept;
	for (auto &block : from.blocks()) {
		sum += block->number;
		if (block->number == 50) {
			kept = std::move(block);
		}
	}
	source.join();
	CHECK(sum == 5050 && kept->number == 50 && used(frames) == 1);
	CHECK(mempools::last_error() == std::errc::broken_pipe);
}

CASE(loop_over_loans_has_one_at_a_time)
{
	auto frames = make(16);
	sender<frame> to(frames, 0, MEMPOOL_CHANNEL_BROADCAST);
	subscriber<frame> from(frames, 0, MEMPOOL_CHANNEL_ENDS);
	std::uint64_t n = 0;

	for (std::uint64_t i = 1; i <= 8; i++) {
		to.send(numbered(frames, i));
	}
	to.close();
	for (const loan<frame> &loan : from.loans()) {
		n++;
		CHECK(loan->number == n && frames.stat().shared == 9 - n);
	}
	CHECK(n == 8 && frames.stat().shared == 0);
}

CASE(loop_ends_by_cancel_and_throws_faults)
{
	auto frames = make(16);
	auto from = receiver<frame>(frames, 0);
	std::thread other([&] {
		std::this_thread::sleep_for(10ms);
		from.cancel();
	});

	for (auto &block : from.blocks()) {
		CHECK(!block);
	}
	other.join();
	CHECK(mempools::last_error() == std::errc::operation_canceled);
	sender<frame> to(frames, 1, MEMPOOL_CHANNEL_BROADCAST);
	subscriber<frame> all(frames, 1);
	CHECK(throws(std::errc::wrong_protocol_type,
		     [&] { receiver<frame> wrong(frames, 1, MEMPOOL_CHANNEL_WORK); }));
}

CASE(loop_that_throws_gives_its_block_back)
{
	auto frames = make(16);
	sender<frame> to(frames, 0);
	receiver<frame> from(frames, 0);

	to.send(numbered(frames, 1));
	to.send(numbered(frames, 2));
	try {
		for (auto &block : from.blocks()) {
			throw block->number;
		}
	} catch (std::uint64_t number) {
		CHECK(number == 1);
	}
	CHECK(used(frames) == 0 && number_of(from.receive()) == 2);
}

CASE(batches_are_got_and_put_all_or_none)
{
	auto frames = make(8);
	batch<frame, 16> all(frames);
	std::error_code code;

	CHECK(!frames.try_get(all, 9) && all.empty());
	CHECK(throws(std::errc::not_enough_memory, [&] { frames.get(all, 9); }));
	frames.get(all, 6);
	CHECK(all.size() == 6 && used(frames) == 6 && all.capacity() == 16);
	CHECK(frames.get(all, 2, code) && all.size() == 8);
	CHECK(!frames.get(all, 9, code) && code == std::errc::invalid_argument);
	CHECK(code.message().find("room for 8") != std::string::npos);
	CHECK(throws(std::errc::invalid_argument, [&] { frames.try_get(all, 9); }));
	std::uint64_t n = 0;
	for (frame &each : all) {
		each.number = n++;
	}
	CHECK(all[3].number == 3);
	auto last = all.pop();
	CHECK(last->number == 7 && all.size() == 7);
	all.push(std::move(last));
	CHECK(!last && all.size() == 8);
	batch<frame, 1> one(frames);
	CHECK(!one.pop());
	one.push(all.pop());
	last = all.pop();
	CHECK(throws(std::errc::invalid_argument, [&] { one.push(std::move(last)); }));
	CHECK(!one.push(std::move(last), code) && code == std::errc::invalid_argument);
	CHECK(last && one.size() == 1);
	all.push(std::move(last));
	CHECK(throws(std::errc::invalid_argument, [&] { all.push(std::move(last)); })); /* empty */
	one.put();
	all.put();
	CHECK(all.empty() && used(frames) == 0);
}

CASE(batches_take_blocks_of_their_own_pool_alone)
{
	auto frames = make(8);
	auto others = make(8, "cxx.others");
	batch<frame, 4> all(frames);
	std::error_code code;
	auto other = others.get();

	CHECK(throws(std::errc::invalid_argument, [&] { all.push(std::move(other)); }));
	CHECK(!all.push(std::move(other), code) && all.empty());
	CHECK(code.message().find("one pool") != std::string::npos);
	CHECK(other);
}

CASE(batches_are_sent_as_far_as_there_is_room)
{
	mempools::attributes attr;
	attr.blocks = 16;
	attr.channel_depth = 8;
	auto frames = make(attr);
	sender<frame> to(frames, 0);
	receiver<frame> from(frames, 0);
	batch<frame, 12> there(frames);
	batch<frame, 5> here(frames);
	std::error_code code;
	std::uint64_t n = 0;

	frames.get(there, 12);
	for (frame &each : there) {
		each.number = ++n;
	}
	CHECK(to.send(there) == 8 && there.size() == 4 && there[0].number == 9);
	CHECK(to.try_send(there) == 0 && there.size() == 4);
	CHECK(throws(std::errc::timed_out, [&] { to.send(there, 1ms); }));
	CHECK(from.receive(here) == 5 && here[4].number == 5);
	CHECK(from.receive(here, 0ms, code) == 0); /* it has room for no more */
	here.put();
	CHECK(from.try_receive(here, 1s) == 3 && here[2].number == 8);
	CHECK(to.send(there, 1s, code) == 4 && !code && there.empty());
	CHECK(from.receive(here, 1s, code) == 2 && here.size() == 5 && here[4].number == 10);
	here.put();
	CHECK(from.receive(here) == 2 && from.try_receive(here) == 0);
	CHECK(used(frames) == 2);
}

CASE(gifts_are_taken_once_or_withdrawn)
{
	auto frames = make(16);
	auto given = numbered(frames, 6);
	const mempool_token token = frames.give(std::move(given));
	std::error_code code;

	CHECK(!given && frames.stat().moving == 1);
	CHECK(frames.gifts().size() == 1 && frames.gifts()[0].v == token.v);
	auto taken = frames.take(token);
	CHECK(taken->number == 6 && frames.gifts().empty());
	CHECK(!frames.try_withdraw(token) && !frames.withdraw(token, code));
	CHECK(code.value() == ESTALE);
	CHECK(frames.withdraw(frames.give(std::move(taken)))->number == 6);
	CHECK(frames.give(std::move(taken), code).v == 0 && code == std::errc::invalid_argument);
	for (int i = 0; i < 12; i++) {
		frames.give(frames.get());
	}
	CHECK(frames.gifts().size() == 12);
	for (mempool_token each : frames.gifts()) {
		CHECK(frames.take(each));
	}
	CHECK(frames.stat().moving == 0 && used(frames) == 0);
}

CASE(descriptors_tell_event_loops)
{
	auto frames = make(16);
	sender<frame> to(frames, 0);
	receiver<frame> from(frames, 0);
	pollfd polled = {from.fd(), POLLIN, 0};

	CHECK(poll(&polled, 1, 0) == 0);
	to.send(frames.get());
	CHECK(poll(&polled, 1, 30000) == 1 && from.receive());
	polled = {frames.fd(), POLLIN, 0};
	CHECK(poll(&polled, 1, 30000) == 1);
}

struct header {
	std::uint32_t length;
};

CASE(block_shows_its_bytes_and_what_is_behind_its_type)
{
	mempools::attributes attr;
	attr.blocks = 4;
	attr.block_size = 100;
	auto frames = make<header>(attr);
	auto block = frames.get();
	const auto bytes = block.bytes();
	const auto doubles = block.rest<double>();
	auto *begin = reinterpret_cast<std::byte *>(block.get());

	CHECK(bytes.data() == begin && bytes.size() == frames.block_size());
	CHECK(reinterpret_cast<std::byte *>(doubles.data()) == begin + 8);
	CHECK(doubles.size() == 11 && block.rest<char>().size() == 96);
	CHECK(block.rest<frame>().size() == 0 && block.rest<frame>().empty());
	CHECK(mempool_block_at(frames.native(), block.index()) == block.get());
	CHECK(frames.blocks() == 4 && frames.stride() >= frames.block_size());
	for (double &each : doubles) {
		each = 1.5;
	}
	CHECK(doubles[10] == 1.5);
}

CASE(reader_s_blocks_are_const)
{
	auto frames = make(16);
	mempools::connection conn;
	const auto token = frames.give(numbered(frames, 8));

	static_assert(std::is_same_v<decltype(*std::declval<block<const frame>>()), const frame &>);
	static_assert(std::is_same_v<decltype(*std::declval<loan<frame>>()), const frame &>);
	static_assert(std::is_same_v<decltype(std::declval<block<const frame>>().bytes()),
				     mempools::span<const std::byte>>);
	frames.take(token); /* a process is reader or writer */
	frames.close();
	CHECK(throws(std::errc::no_such_file_or_directory,
		     [&] { pool<const frame>::open(conn, "cxx"); }));
	mempools::attributes attr;
	attr.blocks = 4;
	pool<frame>::create(conn, "cxx.read", attr).close();
	auto read = pool<const frame>::open(conn, "cxx.read");
	auto block = read.get();
	CHECK(block && block->number == 0 && used(read) == 1);
	CHECK(throws(std::errc::device_or_resource_busy, /* it is reader, and so no writer */
		     [&] { pool<frame>::open(conn, "cxx.read"); }));
	block.put();
	read.close();
	conn.destroy("cxx.read");
}

CASE(pool_checks_and_counts)
{
	auto frames = make(16);
	auto block = frames.get();
	const mempool_report report = frames.check();

	CHECK(report.blocks == 16 && report.lost == 0 && report.broken == 0);
	CHECK(frames.state() == MEMPOOL_LIVE);
	frames.flush();
	CHECK(frames.stat().free == 15 && frames.stat().cached == 0);
}

#ifdef __cpp_lib_memory_resource
CASE(resource_gives_blocks_and_bad_alloc)
{
	auto frames = make(16);
	mempools::resource memory(frames);
	{
		std::pmr::list<int> numbers(&memory);
		for (int i = 0; i < 16; i++) {
			numbers.push_back(i);
		}
		CHECK(used(frames) == 16 && frames.native());
		CHECK(mempool_contains(frames.native(), &numbers.front()));
		bool full = false;
		try {
			numbers.push_back(16);
		} catch (const std::bad_alloc &) {
			full = true;
		}
		CHECK(full);
	}
	CHECK(used(frames) == 0);
	for (std::size_t bytes : {frames.block_size() + 1, std::size_t(1)}) {
		bool refused = false;
		try {
			(void)memory.allocate(bytes, bytes == 1 ? frames.alignment() * 2 : 8);
		} catch (const std::bad_alloc &) {
			refused = true;
		}
		CHECK(refused && used(frames) == 0);
	}
	void *whole = memory.allocate(frames.block_size(), frames.alignment());
	CHECK(used(frames) == 1);
	memory.deallocate(whole, frames.block_size(), frames.alignment());
	mempools::resource same(frames);
	CHECK(used(frames) == 0 && memory == memory && memory != same);
}
#endif
