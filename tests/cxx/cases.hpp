/* SPDX-License-Identifier: MIT */
/*
 * Cases, named as the promises they check, and run in a child each. TAP goes to standard output.
 */
#ifndef TESTS_CXX_CASES_HPP
#define TESTS_CXX_CASES_HPP

#include <mempool/mempool.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

struct test_case {
	const char *name;
	void (*run)();
};

/* All cases of the program, in the order of its files. */
std::vector<test_case> &cases();

struct registration {
	registration(const char *name, void (*run)())
	{
		cases().push_back({name, run});
	}
};

#define CASE(name)                                                     \
	static void name();                                            \
	static const registration registration_of_##name{#name, name}; \
	static void name()

#define CHECK(what)                                                                      \
	do {                                                                             \
		if (!(what)) {                                                           \
			std::printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			std::fflush(stdout);                                             \
			std::_Exit(1);                                                   \
		}                                                                        \
	} while (0)

/* Whether the call throws a std::system_error of that errno. */
template <class Call> bool throws(std::errc error, Call call)
{
	try {
		call();
	} catch (const std::system_error &caught) {
		return caught.code() == error;
	}
	return false;
}

struct frame {
	std::uint64_t number;
	char pixels[120];
};

/* A pool of this case's own, which goes with it. */
template <class T = frame>
mempools::pool<T> make(mempools::attributes attr, const char *name = "cxx")
{
	mempools::connection conn;

	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	return mempools::pool<T>::create(conn, name, attr);
}

template <class T = frame> mempools::pool<T> make(std::uint32_t blocks, const char *name = "cxx")
{
	mempools::attributes attr;

	attr.blocks = blocks;
	return make<T>(attr, name);
}

/* Blocks that processes own. */
template <class T> std::uint64_t used(const mempools::pool<T> &pool)
{
	return pool.stat().used;
}

#endif
