/* SPDX-License-Identifier: MIT */
#include <mempool/mempool.hpp>

#include <cstdio>

int main()
{
	std::error_code code;
	mempools::connection none("/nowhere/socket", code);

	std::puts(code == std::errc::no_such_file_or_directory ? mempool_version() : "?");
}
