/* SPDX-License-Identifier: MIT */
/* Who owns a block, a batch, a pool: when it goes back, and what becomes of moved-from owners. */
#include "cases.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>

using mempools::batch;
using mempools::block;
using mempools::pool;

static_assert(!std::is_copy_constructible_v<block<frame>>);
static_assert(!std::is_copy_assignable_v<block<frame>>);
static_assert(std::is_nothrow_move_constructible_v<block<frame>>);
static_assert(std::is_nothrow_move_assignable_v<block<frame>>);
static_assert(!std::is_copy_constructible_v<pool<frame>>);
static_assert(std::is_nothrow_move_constructible_v<pool<frame>>);
static_assert(!std::is_copy_constructible_v<batch<frame, 4>>);
static_assert(!std::is_copy_constructible_v<mempools::loan<frame>>);
static_assert(!std::is_copy_constructible_v<mempools::sender<frame>>);
static_assert(std::is_nothrow_move_constructible_v<mempools::subscriber<frame>>);
static_assert(sizeof(block<frame>) == 2 * sizeof(void *));

CASE(block_is_put_at_the_end_of_its_scope)
{
	auto frames = make(16);
	{
		auto block = frames.get();
		block->number = 7;
		CHECK(used(frames) == 1);
	}
	CHECK(used(frames) == 0);
}

CASE(block_is_put_when_an_exception_passes)
{
	auto frames = make(16);

	try {
		auto one = frames.get();
		batch<frame, 8> more(frames);
		frames.get(more, 5);
		CHECK(used(frames) == 6);
		throw std::runtime_error("on the way");
	} catch (const std::runtime_error &) {
	}
	CHECK(used(frames) == 0);
}

CASE(block_moves_and_is_put_once)
{
	auto frames = make(16);
	auto first = frames.get();
	frame *at = first.get();
	block<frame> second = std::move(first);

	CHECK(!first && first.get() == nullptr);
	CHECK(second && second.get() == at);
	first = std::move(second);
	CHECK(first.get() == at && !second);
	block<frame> &same = first;
	first = std::move(same);
	CHECK(first.get() == at && used(frames) == 1);
	first.put();
	CHECK(!first && used(frames) == 0);
}

CASE(assignment_puts_the_block_that_was_there)
{
	auto frames = make(16);
	auto block = frames.get();

	block = frames.get();
	CHECK(used(frames) == 1);
	block = {};
	CHECK(!block && used(frames) == 0);
}

CASE(released_block_is_its_taker_s)
{
	auto frames = make(16);
	auto block = frames.get();
	frame *raw = block.release();

	CHECK(!block && used(frames) == 1);
	CHECK(mempools::block<frame>::adopt(frames, raw).get() == raw);
	CHECK(used(frames) == 0);
}

CASE(put_that_is_refused_is_told_and_changes_nothing)
{
	auto frames = make(16);
	auto block = frames.get();
	std::error_code code;

	mempool_put(frames.native(), block.get());
	CHECK(throws(std::errc::connection_already_in_progress, [&] { block.put(); }));
	CHECK(block && !block.put(code) && code.value() == EALREADY);
	CHECK(used(frames) == 0);
}

CASE(batch_is_put_and_moves_as_a_block_does)
{
	auto frames = make(16);
	{
		batch<frame, 8> first(frames);
		frames.get(first, 5);
		batch<frame, 8> second(std::move(first));
		CHECK(first.empty() && second.size() == 5);
		second = batch<frame, 8>(frames);
		CHECK(second.empty() && used(frames) == 0);
		frames.get(second, 3);
		first = std::move(second);
		CHECK(first.size() == 3 && second.empty() && used(frames) == 3);
	}
	CHECK(used(frames) == 0);
}

CASE(moved_from_owners_are_harmless)
{
	auto frames = make(16);
	mempools::sender<frame> to(frames, 0, MEMPOOL_CHANNEL_BROADCAST);
	mempools::subscriber<frame> from(frames, 0);
	to.send(frames.get());
	auto loan = from.borrow();
	auto held = std::move(loan);
	auto from_here = std::move(from);
	auto to_there = std::move(to);
	auto same = std::move(frames);

	CHECK(!loan && !from && !to && !frames);
	CHECK(held && from_here && to_there && same);
	loan = std::move(held);
	frames = std::move(same);
	CHECK(loan && frames && frames.stat().shared == 1);
}

CASE(pool_closes_at_the_end_and_the_name_goes)
{
	mempools::connection conn;
	std::error_code code;

	(void)make(16);
	auto gone = pool<frame>::open(conn, "cxx", code);
	CHECK(!gone && code == std::errc::no_such_file_or_directory);
}

CASE(close_of_a_pool_in_use_is_refused)
{
	auto frames = make(16);
	auto block = frames.get();
	std::error_code code;

	CHECK(throws(std::errc::device_or_resource_busy, [&] { frames.close(); }));
	CHECK(frames && !frames.close(code) && code == std::errc::device_or_resource_busy);
	block.put();
	frames.close();
	CHECK(!frames);
}

CASE(block_outlives_its_pool)
{
	mempools::connection conn;
	std::optional<pool<frame>> frames(make(16));
	auto other = pool<frame>::open(conn, "cxx");
	auto block = frames->get();

	frames.reset();
	block->number = 3;
	block.put();
	CHECK(used(other) == 0);
}

CASE(block_of_a_thread_is_put_at_the_thread_s_end)
{
	auto frames = make(16);

	std::thread([&] {
		thread_local block<frame> kept;
		kept = frames.get();
		CHECK(used(frames) == 1);
	}).join();
	CHECK(used(frames) == 0 && frames.stat().cached == 0);
}

CASE(block_of_the_program_is_put_at_the_program_s_end)
{
	auto frames = make(16);
	mempools::connection conn;
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		mempools::connection own;
		static pool<frame> mine = pool<frame>::open(own, "cxx");
		static block<frame> kept = mine.get();
		CHECK(used(mine) == 1);
		std::exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(used(frames) == 0);
	CHECK(frames.stat().recovered == 0);
}

CASE(child_of_a_fork_takes_nothing_from_its_parent)
{
	auto frames = make(16);
	pid_t child = 0;
	int status = 0;
	{
		mempools::connection conn;
		mempools::sender<frame> to(frames, 0);
		mempools::receiver<frame> from(frames, 0);
		mempools::sender<frame> to_all(frames, 1, MEMPOOL_CHANNEL_BROADCAST);
		mempools::subscriber<frame> one_of_all(frames, 1);
		batch<frame, 8> more(frames);
		auto block = frames.get();
		frames.get(more, 4);
		to_all.send(frames.get());
		auto loan = one_of_all.borrow();

		child = fork();
		if (child == 0) {
			std::error_code code;
			CHECK(!frames.get(code) && code == std::errc::no_child_process);
			CHECK(throws(std::errc::no_child_process, [&] { frames.try_get(); }));
			mempools::connection own;
			auto mine = pool<frame>::open(own, "cxx");
			CHECK(used(mine) == 5 && mine.get());
		} else {
			CHECK(waitpid(child, &status, 0) == child && status == 0);
			CHECK(used(frames) == 5 && frames.stat().shared == 1);
			block->number = 9;
			to.send(std::move(block));
			CHECK(from.receive()->number == 9);
		}
	}
	if (child == 0) {
		frames = {};
		std::_Exit(0); /* all that was the parent's is destroyed here */
	}
	CHECK(used(frames) == 0 && frames.stat().shared == 0);
	frames.close();
}
