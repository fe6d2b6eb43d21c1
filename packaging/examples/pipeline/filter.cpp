/* SPDX-License-Identifier: MIT */
/*
 * filter
 *
 * Takes images as jobs, and inverts each where it is; then it broadcasts the same block. As many
 * filters as you like share the work. They end when nobody captures any more and all is filtered.
 */
#include "pipeline.hpp"

using namespace pipeline;

/* Sends to all who subscribe, and waits for the first of them. */
static void send(mempools::sender<payload> &to, mempools::block<payload> &&image)
{
	while (!to.try_send(std::move(image), 1s)) {
		if (mempools::last_error() == std::errc::not_connected) {
			std::this_thread::sleep_for(10ms);
		}
	}
}

static int filter()
{
	pool images = open_pool();
	mempools::sender<payload> to(images, filtered_channel, MEMPOOL_CHANNEL_BROADCAST);
	mempools::receiver<payload> from(images, raw_channel,
					 MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_ENDS);
	std::uint64_t n = 0;

	for (auto &image : from.blocks()) {
		if (!payload_is_sound(image.get(), images.block_size())) {
			continue; /* whoever made it has a fault; its block is put */
		}
		for (std::uint8_t &pixel : image.rest<std::uint8_t>()) {
			pixel = filtered_pixel(pixel);
		}
		send(to, std::move(image));
		n++;
	}
	std::printf("filter: %llu images\n", static_cast<unsigned long long>(n));
	return 0;
}

int main()
{
	return run("filter", filter);
}
