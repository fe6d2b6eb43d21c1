/* SPDX-License-Identifier: MIT */
/*
 * viewer
 *
 * Looks at filtered images, and needs 20 ms for each. Nobody waits for it: what it is too slow for,
 * it loses, and counts.
 */
#include "pipeline.hpp"

using namespace pipeline;

static int view()
{
	pool images = open_pool();
	auto from = open_end<mempools::subscriber<payload>>(
		images, filtered_channel, MEMPOOL_CHANNEL_ENDS | MEMPOOL_CHANNEL_LOSSY);
	sight seen;

	std::printf("viewer: begins\n");
	std::fflush(stdout);
	for (const auto &image : from.loans()) {
		seen.look(image);
		std::this_thread::sleep_for(20ms);
	}
	std::printf("viewer: lost %llu\n", static_cast<unsigned long long>(from.stat().lost));
	return seen.print("viewer");
}

int main()
{
	return run("viewer", view);
}
