/* SPDX-License-Identifier: MIT */
/* How calls fail: three forms, sentences, and pools that do not fit a type. */
#include "cases.hpp"

#include <cstring>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using mempools::pool;

/* What the call throws says. */
template <class Call> std::string thrown_by(Call call)
{
	try {
		call();
	} catch (const std::system_error &caught) {
		return caught.what();
	}
	return "";
}

CASE(what_is_thrown_says_the_sentence)
{
	auto frames = make(2);
	auto first = frames.get();
	auto second = frames.get();
	std::string said = thrown_by([&] { frames.get(); });

	CHECK(said == mempool_errmsg());
	CHECK(said.find("cxx") != std::string::npos);
	CHECK(throws(std::errc::not_enough_memory, [&] { frames.get(); }));
	CHECK(thrown_by([&] {
		      pool<frame>::open(*std::make_unique<mempools::connection>(), "no");
	      }).find("no") != std::string::npos);
}

CASE(what_was_thrown_keeps_its_sentence)
{
	auto frames = make(2);
	mempools::connection conn;

	try {
		pool<frame>::open(conn, "nowhere");
		CHECK(false);
	} catch (const std::system_error &caught) {
		const std::string said = caught.what();
		CHECK(said.find("nowhere") != std::string::npos);
		CHECK(caught.code().message() == said);
		CHECK(throws(std::errc::no_such_file_or_directory,
			     [&] { pool<frame>::open(conn, "elsewhere"); }));
		CHECK(caught.what() == said);
		CHECK(caught.code().message() != said);
	}
}

CASE(code_keeps_its_sentence_when_owners_end)
{
	mempools::block<frame> block;
	mempools::loan<frame> loan;
	std::error_code code;
	std::string said;
	{
		auto frames = make(2);
		mempools::sender<frame> to(frames, 0, MEMPOOL_CHANNEL_BROADCAST);
		mempools::subscriber<frame> from(frames, 0);
		to.send(frames.get());
		loan = from.borrow();
		block = frames.get();
		CHECK(!frames.get(code));
		said = code.message();
	} /* neither closes: one has the loan, the other the block */
	CHECK(code.message() == said && code == mempools::last_error());
}

CASE(codes_compare_with_errc_and_name_their_category)
{
	auto frames = make(2);
	std::error_code code;

	CHECK(!frames.take({1}, code));
	CHECK(code.value() == ESTALE && code.category() == mempools::category());
	CHECK(std::string(code.category().name()) == "mempool");
	CHECK(code.message() == mempool_errmsg());
	CHECK(code == mempools::last_error());
	CHECK(code.default_error_condition() ==
	      std::error_condition(ESTALE, std::generic_category()));
	CHECK(frames.get(code) && !code);
	CHECK(mempools::category().message(0) == std::generic_category().message(0));
	CHECK(mempools::category().message(EPERM) == std::generic_category().message(EPERM));
}

CASE(threads_have_failures_of_their_own)
{
	auto frames = make(2);
	std::error_code code;

	CHECK(!frames.take({1}, code));
	const std::string here = code.message();
	std::thread([&] {
		std::error_code other;
		CHECK(!mempools::last_error());
		CHECK(code.message() == std::generic_category().message(ESTALE));
		CHECK(!frames.take({0xffffffff}, other));
		CHECK(other.message() != here);
	}).join();
	CHECK(code.message() == here);
}

CASE(try_tells_outcomes_and_throws_faults)
{
	auto frames = make(2);
	{
		auto first = frames.get();
		auto second = frames.get();
		CHECK(!frames.try_get());
		CHECK(mempools::last_error() == std::errc::not_enough_memory);
		CHECK(!frames.try_get(1ms));
		CHECK(mempools::last_error() == std::errc::timed_out);
		CHECK(throws(std::errc::timed_out, [&] { frames.get(1ms); }));
		auto token = frames.give(std::move(first));
		CHECK(frames.take(token) && !frames.try_take(token));
		CHECK(mempools::last_error().value() == ESTALE);
	}
	mempools::connection conn;
	auto observed = pool<frame>::open(conn, "cxx", {MEMPOOL_OBSERVE});
	CHECK(throws(std::errc::permission_denied, [&] { observed.try_get(); }));
	frames.cancel();
	auto first = frames.get();
	auto second = frames.get();
	CHECK(!frames.try_get(1min));
	CHECK(mempools::last_error() == std::errc::operation_canceled);
}

CASE(quota_is_a_fault_also_to_try)
{
	mempools::attributes attr;

	attr.blocks = 8;
	attr.quota = 1;
	auto frames = make(attr);
	auto block = frames.get();
	CHECK(throws(std::errc(EDQUOT), [&] { frames.try_get(); }));
}

CASE(connection_tells_why_there_is_none)
{
	std::error_code code;
	mempools::connection none("/nowhere/socket", code);

	CHECK(!none && code == std::errc::no_such_file_or_directory);
	CHECK(code.message().find("/nowhere/socket") != std::string::npos);
	CHECK(throws(std::errc::no_such_file_or_directory,
		     [] { mempools::connection(std::string("/nowhere/socket")); }));
	CHECK(mempools::connection(code) && !code);
}

CASE(attributes_begin_as_those_of_c)
{
#pragma GCC diagnostic ignored "-Wold-style-cast" /* C has no other */
	const mempool_attr c = MEMPOOL_ATTR_INIT;
	const mempools::attributes attr;
	const mempool_attr *base = &attr;

	CHECK(std::memcmp(base, &c, sizeof(c)) == 0);
}

struct large {
	char bytes[1000];
};

struct alignas(512) strict {
	char bytes[128];
};

CASE(pool_too_small_for_the_type_is_refused)
{
	auto frames = make(4);
	mempools::connection conn;
	mempools::attributes attr;
	std::error_code code;

	CHECK(throws(std::errc::protocol_error, [&] { pool<large>::open(conn, "cxx"); }));
	CHECK(mempools::last_error().message().find("128 bytes") != std::string::npos);
	CHECK(mempools::last_error().message().find("1000") != std::string::npos);
	CHECK(!pool<large>::open(conn, "cxx", code) && code == std::errc::protocol_error);
	attr.blocks = 4;
	attr.block_size = 999;
	CHECK(!pool<large>::create(conn, "cxx.large", attr, code));
	CHECK(code == std::errc::protocol_error);
	CHECK(!pool<>::open(conn, "cxx.large", code)); /* none was made */
	CHECK(code == std::errc::no_such_file_or_directory && code.message() == mempool_errmsg());
	frames.close(); /* and those that were refused are closed again */
	CHECK(!pool<>::open(conn, "cxx", code));
}

CASE(pool_aligned_too_weakly_is_refused)
{
	mempools::connection conn;
	mempools::attributes attr;
	std::error_code code;

	attr.blocks = 4;
	attr.block_size = 576; /* large enough, and one in eight blocks would do */
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	auto bytes = pool<>::create(conn, "cxx", attr);
	CHECK(bytes.alignment() == 64);
	CHECK(!pool<strict>::open(conn, "cxx", code) && code == std::errc::protocol_error);
	CHECK(code.message().find("aligned to 512") != std::string::npos);
	attr.alignment = 64;
	CHECK(throws(std::errc::protocol_error,
		     [&] { pool<strict>::create(conn, "cxx.strict", attr); }));
	attr.alignment = 0;
	attr.block_size = 0;
	auto made = pool<strict>::create(conn, "cxx.strict", attr);
	CHECK(made.alignment() >= 512 && made.block_size() == sizeof(strict));
}

CASE(schema_is_compared)
{
	mempools::connection conn;
	mempools::attributes attr;

	attr.blocks = 4;
	attr.schema = 77;
	attr.schema_version = 2;
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	auto frames = pool<frame>::open_or_create(conn, "cxx", attr);
	CHECK(pool<frame>::open_or_create(conn, std::string("cxx"), attr));
	CHECK(pool<frame>::open(conn, "cxx", {0, 77, 2}));
	CHECK(throws(std::errc::protocol_error, [&] {
		pool<frame>::open(conn, "cxx", {0, 77, 3});
	}));
	conn.destroy("cxx");
	CHECK(frames.state() == MEMPOOL_DESTROYED);
	CHECK(throws(std::errc::no_such_file_or_directory, [&] { conn.destroy("cxx"); }));
}
