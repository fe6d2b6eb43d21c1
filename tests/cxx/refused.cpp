/* SPDX-License-Identifier: MIT */
/* What must not compile: each line that says so is in an error; the rest is as it should be. */
#include <mempool/mempool.hpp>

#include <string>

struct number {
	int value;
};

struct alignas(8192) page {
	char bytes[8192];
};

void use(mempools::connection &conn, mempools::pool<number> &numbers,
	 mempools::pool<const number> &read, mempools::sender<number> &to,
	 mempools::subscriber<number> &from)
{
	auto block = numbers.get();
	auto loan = from.borrow();
	auto fixed = read.get();

	block->value = loan->value + fixed->value;
	to.send(std::move(block));
	auto copy = block;                                   // refused: two owners
	mempools::pool<number> same = numbers;               // refused: two owners
	to.send(block);                                      // refused: it stays here
	loan->value = 1;                                     // refused: others read it
	fixed->value = 1;                                    // refused: opened as reader
	mempools::pool<const number>::create(conn, "n", {}); // refused: a reader makes none
	mempools::pool<std::string>::open(conn, "n");        // refused: it has a pointer
	mempools::pool<page>::open(conn, "n");               // refused: no block is so
	block.rest<long double>();                           // refused: not aligned so
	block.put(), numbers.get().rest<std::wstring>();     // refused: it has a pointer
	to.send(read.get());                                 // refused: another pool's type
	mempools::resource memory(read);                     // refused: opened as reader
	mempools::receiver<number>(numbers, 0).blocks();     // refused: it ends before the loop
	mempools::subscriber<number>(numbers, 1).loans();    // refused: it ends before the loop
}
