/* SPDX-License-Identifier: MIT */
/*
 * capture [IMAGES]
 *
 * Takes an image every 5 ms, 300 unless told otherwise, and sends each to one of the filters. It
 * waits for the first filter; from then on for nobody: when the filters are behind, or no block is
 * free, it drops the image.
 */
#include "pipeline.hpp"

#include <algorithm>
#include <cstdlib>

using namespace pipeline;

static void draw(mempools::block<payload> &image, std::uint64_t sequence)
{
	const auto pixels = image.rest<std::uint8_t>();

	for (std::size_t i = 0; i < width * height; i++) {
		pixels[i] = raw_pixel(sequence, i);
	}
	payload_fill(image.get(), width * height, sequence);
}

static int capture(std::uint64_t n)
{
	pool images = open_pool();
	mempools::sender<payload> to(images, raw_channel, MEMPOOL_CHANNEL_WORK);
	auto next = std::chrono::steady_clock::now();
	std::uint64_t n_dropped = 0;

	while (to.stat().receivers == 0) {
		std::this_thread::sleep_for(10ms);
	}
	for (std::uint64_t sequence = 1; sequence <= n; sequence++) {
		auto image = images.try_get();
		if (image) {
			draw(image, sequence);
		}
		if (!image || !to.try_send(std::move(image))) {
			n_dropped++;
		}
		next = std::max(next + 5ms, std::chrono::steady_clock::now());
		std::this_thread::sleep_until(next);
	}
	std::printf("capture: %llu images, %llu dropped\n", static_cast<unsigned long long>(n),
		    static_cast<unsigned long long>(n_dropped));
	return 0;
}

int main(int argc, char **argv)
{
	return run("capture",
		   [&] { return capture(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300); });
}
