/* SPDX-License-Identifier: MIT */
/*
 * recorder FILE
 *
 * Writes each filtered image to FILE, one behind the other, from the block where it is. Filters
 * wait for a recorder that is slow, as it is to have them all.
 */
#include "pipeline.hpp"

#include <fstream>
#include <stdexcept>

using namespace pipeline;

static int record(const char *path)
{
	pool images = open_pool();
	auto from = open_end<mempools::subscriber<payload>>(images, filtered_channel,
							    MEMPOOL_CHANNEL_ENDS);
	std::ofstream file(path, std::ios::binary | std::ios::trunc);
	sight seen;

	std::printf("recorder: to %s\n", path);
	std::fflush(stdout);
	for (const auto &image : from.loans()) {
		seen.look(image);
		file.write(reinterpret_cast<const char *>(image.rest<std::uint8_t>().data()),
			   width * height);
	}
	if (!file.flush()) {
		throw std::runtime_error(std::string("cannot write to ") + path);
	}
	return seen.print("recorder");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		std::fprintf(stderr, "usage: recorder FILE\n");
		return 2;
	}
	return run("recorder", [&] { return record(argv[1]); });
}
