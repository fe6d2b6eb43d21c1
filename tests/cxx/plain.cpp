/* SPDX-License-Identifier: MIT */
/*
 * plain [SOCKET]: a program without exceptions and without run-time types. With a SOCKET, where no
 * daemon is, it calls what would throw.
 */
#include <mempool/mempool.hpp>

int main(int argc, char **argv)
{
	if (argc > 1) {
		mempools::connection none(argv[1]);
		return 0;
	}
	std::error_code code;
	mempools::connection conn(code);
	mempools::attributes attr;
	attr.blocks = 8;
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	auto numbers = mempools::pool<long[8]>::create(conn, "cxx.plain", attr, code);
	auto block = numbers.get(code);
	mempools::sender<long[8]> to(numbers, 0, 0, code);
	mempools::receiver<long[8]> from(numbers, 0, 0, code);

	if (code || !block || !to.send(std::move(block), mempools::at_once, code)) {
		std::fprintf(stderr, "%s\n", code.message().c_str());
		return 1;
	}
	auto same = from.receive(mempools::at_once, code);
	auto none = from.receive(mempools::at_once, code);
	return !same || none || code != std::errc::resource_unavailable_try_again;
}
