/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <mempool/mempool.h>

int main(void)
{
	puts(mempool_version());
}
