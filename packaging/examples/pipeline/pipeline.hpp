/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this example share: a pool of images, and two channels.
 *
 *	capture --- work --+--> filter --+-- a broadcast --+--> recorder	has to have all
 *			   +--> filter --+		   +--> viewer		rather loses some
 *
 * An image is written once, filtered where it is, and read where it is; what travels are the eight
 * bytes that name its block. The programs may be started in any order, and end by themselves, each
 * when those before it have ended and it has all they sent. Any of them may be killed, and started
 * again: a killed filter takes the one image with it that it had in hand, and the other goes on.
 */
#ifndef EXAMPLES_PIPELINE_HPP
#define EXAMPLES_PIPELINE_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include <mempool/mempool.hpp>

#include "payload.h"

namespace pipeline
{

using namespace std::chrono_literals;

constexpr std::size_t width = 320, height = 240; /* of an image, of one byte a pixel */
constexpr std::uint32_t raw_channel = 0;
constexpr std::uint32_t filtered_channel = 1;

using pool = mempools::pool<payload>; /* each block has this at its beginning, and the image then */

/* Opens the pool, which whoever comes first makes; it goes when the last has closed it. */
inline pool open_pool()
{
	mempools::connection conn;
	mempools::attributes attr;

	attr.block_size = sizeof(payload) + width * height;
	attr.blocks = 64;
	attr.channel_depth = 16;
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	attr.schema = PAYLOAD_SCHEMA;
	attr.schema_version = PAYLOAD_VERSION;
	return pool::open_or_create(conn, "pipeline.images", attr);
}

/* Opens an end of a channel; tries for a second while one that died has the place still. */
template <class End> End open_end(pool &images, std::uint32_t number, unsigned flags)
{
	const auto deadline = std::chrono::steady_clock::now() + 1s;

	for (;;) {
		std::error_code code;
		End end(images, number, flags, code);
		if (end) {
			return end;
		}
		if (code != std::errc::device_or_resource_busy && code != std::errc(EUSERS)) {
			throw std::system_error(code);
		}
		if (std::chrono::steady_clock::now() > deadline) {
			throw std::system_error(code);
		}
		std::this_thread::sleep_for(10ms);
	}
}

/* What pixel i of the image of that number is when it is taken, and when it is filtered. */
inline std::uint8_t raw_pixel(std::uint64_t sequence, std::size_t i)
{
	return static_cast<std::uint8_t>(sequence + i);
}

inline std::uint8_t filtered_pixel(std::uint8_t raw)
{
	return static_cast<std::uint8_t>(255 - raw);
}

/* What a program has seen of filtered images. Two filters may change the order of two images. */
class sight
{
public:
	/* Looks at an image. Whoever sent it is not believed what the block has no room for. */
	template <class Place> void look(const Place &image)
	{
		const auto pixels = image.template rest<std::uint8_t>();

		n_++;
		if (!payload_is_sound(image.get(), image.bytes().size()) ||
		    image->length != width * height) {
			n_spoilt_++;
			return;
		}
		for (std::size_t i = 0; i < width * height; i += 64) {
			if (pixels[i] != filtered_pixel(raw_pixel(image->sequence, i))) {
				n_spoilt_++;
				return;
			}
		}
		last_ = image->sequence > last_ ? image->sequence : last_;
		const std::uint64_t age = payload_now() - image->time_ns;
		oldest_ns_ = age > oldest_ns_ ? age : oldest_ns_;
	}

	/* Prints "NAME: 297 of 300 images, 0 spoilt, ...". Returns the exit status. */
	int print(const char *name) const
	{
		std::printf("%s: %llu of %llu images, %llu spoilt, the oldest %.1f ms\n", name,
			    static_cast<unsigned long long>(n_),
			    static_cast<unsigned long long>(last_),
			    static_cast<unsigned long long>(n_spoilt_),
			    static_cast<double>(oldest_ns_) / 1e6);
		return n_spoilt_ > 0;
	}

private:
	std::uint64_t n_ = 0, n_spoilt_ = 0, last_ = 0, oldest_ns_ = 0;
};

/* Runs a program's part. What it throws is told, and the exit status 1. */
template <class Part> int run(const char *name, Part part)
{
	try {
		return part();
	} catch (const std::exception &thrown) {
		std::fprintf(stderr, "%s: %s\n", name, thrown.what());
		return 1;
	}
}

} // namespace pipeline

#endif
