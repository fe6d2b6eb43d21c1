/* SPDX-License-Identifier: MIT */
/*
 * mempool for C++17 and later: the calls of <mempool/mempool.h>, which says what each does, with
 * owners that give back what they own. There is nothing to link but libmempool.
 *
 *	connection	to the daemon
 *	pool<T>		a pool whose blocks begin with a T; pool<> is one of bytes. pool<const T>
 *			opens as reader, and nobody writes through it
 *	block<T>	one block, which is put when its owner goes out of scope, also by an
 *			exception
 *	batch<T, N>	up to N blocks, got, put, sent and received by one call
 *	sender<T>	an end of a channel; so are
 *	receiver<T>	of a queue or of work, and
 *	subscriber<T>	of a broadcast, which borrows
 *	loan<T>		a borrowed block, which is returned when its owner goes out of scope
 *	resource	a std::pmr::memory_resource, each of whose allocations is a block
 *
 * The namespace is mempools, as `mempool` is a struct of C. All owners move, and none copies. One
 * that was moved from, closed or released is empty: test it, destroy it, assign to it, and nothing
 * else. native() is the handle of C, for calls that have no counterpart here.
 *
 * Failures. Each call has up to three forms:
 *
 *	get()		throws std::system_error, whose what() is the sentence of the failure
 *	try_get()	the same, but tells what is no fault by an empty block, or false: nothing
 *			was there, or came in time; the stream has ended; the wait was ended.
 *			Which of these it was, last_error() says
 *	get(code)	throws nothing; code says what failed, and its message() is the sentence
 *
 * A code's value is an errno, to be compared with std::errc. Its message() is the sentence while
 * that is this thread's last failure, later the system's words; what() stays. Without exceptions
 * (-fno-exceptions) the first two forms print the sentence and abort, and there is no resource.
 * A program has all its files compiled with exceptions, or all without: the linker keeps one of
 * each function, which may else be the one that aborts.
 *
 * Types. T is trivially copyable, since a block is bytes for whoever gets it next; pointers in it
 * are good for nothing in another process. A block that was got has what its last owner left, and
 * no new T. A pool whose blocks are too small for T, or aligned too weakly, is refused when it is
 * opened.
 *
 * Costs. The calls are those of C, and around them are the same instructions, but for two that keep
 * what an owner owns in a register, and one a block for a batch to count. tests/cxx/cost compares.
 *
 * Threads, signals and forks are as in C. In a child, which has none of its parent's blocks, owners
 * that it inherits do nothing when they are destroyed.
 */
#ifndef MEMPOOL_MEMPOOL_HPP
#define MEMPOOL_MEMPOOL_HPP

#if __cplusplus < 201703L
#error "<mempool/mempool.hpp> needs C++17"
#endif

#include <mempool/cpp/batch.hpp>
#include <mempool/cpp/block.hpp>
#include <mempool/cpp/channel.hpp>
#include <mempool/cpp/error.hpp>
#include <mempool/cpp/pool.hpp>
#include <mempool/cpp/resource.hpp>
#include <mempool/cpp/timeout.hpp>
#include <mempool/mempool.h>

#endif
