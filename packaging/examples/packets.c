/* SPDX-License-Identifier: MIT */
/*
 * packets [--shared]
 *
 * Packets are chains of buffers: a header from one pool, and as many data blocks from another as
 * the payload needs. When the program puts the header, the header pool's callback puts the whole
 * chain; the data pool's callback counts. Packets go in and out of a line until the pools have
 * been empty, and the low-water marks say how many blocks that took.
 *
 * The program uses os/os_mempool.h alone. With --shared it opens pools of mempoold; nothing else
 * differs.
 */
#include <stdio.h>
#include <string.h>

#include <os/os_mempool.h>

#define HEADERS 16
#define DATAS 64
#define DATA_SIZE 128
#define LINE 8 /* packets under way */
#define ROUNDS 1000

/* A number names a block, because a pointer means nothing to another process. */
typedef uint32_t ref;

#define NONE UINT32_MAX

struct data {
	ref next;
	uint32_t length;
	unsigned char bytes[DATA_SIZE - 2 * sizeof(uint32_t)];
};

struct header {
	ref first;
	uint32_t length;
	uint32_t sum;
};

static os_membuf_t header_memory[OS_MEMPOOL_SIZE(HEADERS, sizeof(struct header))];
static os_membuf_t data_memory[OS_MEMPOOL_SIZE(DATAS, sizeof(struct data))];
static struct os_mempool_ext headers, datas;
static unsigned n_freed;

/* A ref is the distance of a block from the pool's first block. */
static struct data *data_at(ref at)
{
	return (struct data *)(datas.mpe_mp.mp_membuf_addr + at);
}

static ref ref_of(const struct data *data)
{
	return (ref)((uintptr_t)data - datas.mpe_mp.mp_membuf_addr);
}

/* The data pool's callback. */
static os_error_t count_data(struct os_mempool_ext *pool, void *block, void *counter)
{
	os_error_t error = os_memblock_put_from_cb(&pool->mpe_mp, block);

	*(unsigned *)counter += error == OS_OK;
	return error;
}

/* The header pool's callback: the chain goes first, then the header. */
static os_error_t free_chain(struct os_mempool_ext *pool, void *block, void *data_pool)
{
	struct header *header = block;

	while (header->first != NONE) {
		struct data *data = data_at(header->first);
		ref next = data->next;
		os_error_t error = os_memblock_put(data_pool, data);

		if (error != OS_OK) {
			return error; /* the packet is still whole from here on */
		}
		header->first = next;
	}
	return os_memblock_put_from_cb(&pool->mpe_mp, header);
}

static struct header *packet_make(void)
{
	struct header *header = os_memblock_get(&headers.mpe_mp);

	if (header != NULL) {
		*header = (struct header){.first = NONE};
	}
	return header;
}

/* Adds a block to the front of the packet. Returns false if there is none. */
static bool packet_add(struct header *header, unsigned char byte, uint32_t length)
{
	struct data *data = os_memblock_get(&datas.mpe_mp);

	if (data == NULL) {
		return false;
	}
	data->next = header->first;
	data->length = length;
	memset(data->bytes, byte, length);
	header->first = ref_of(data);
	header->length += length;
	header->sum += byte * length;
	return true;
}

/* Makes a packet of @length bytes. Returns NULL if blocks run out, with all of them put back. */
static struct header *packet_write(uint32_t length, unsigned char byte)
{
	struct header *header = packet_make();

	while (header != NULL && header->length < length) {
		uint32_t left = length - header->length;
		uint32_t room = sizeof(((struct data *)NULL)->bytes);

		if (!packet_add(header, byte, left < room ? left : room)) {
			os_memblock_put(&headers.mpe_mp, header);
			header = NULL;
		}
	}
	return header;
}

static bool packet_is_whole(const struct header *header)
{
	uint32_t length = 0, sum = 0;

	for (ref at = header->first; at != NONE; at = data_at(at)->next) {
		const struct data *data = data_at(at);

		for (uint32_t i = 0; i < data->length; i++) {
			sum += data->bytes[i];
		}
		length += data->length;
	}
	return length == header->length && sum == header->sum;
}

/* The only lines that know where the blocks are. */
static os_error_t open_pools(bool is_shared)
{
	os_error_t error;

	if (is_shared) {
		error = os_mempool_ext_open_shared(&headers, "packet-headers", HEADERS,
						   sizeof(struct header));
		return error ? error
			     : os_mempool_ext_open_shared(&datas, "packet-data", DATAS,
							  sizeof(struct data));
	}
	error = os_mempool_ext_init(&headers, HEADERS, sizeof(struct header), header_memory,
				    "packet-headers");
	return error ? error
		     : os_mempool_ext_init(&datas, DATAS, sizeof(struct data), data_memory,
					   "packet-data");
}

/* Sends packets down a line. Returns for how many there was no block, or -1 if one was spoilt. */
static int run_line(void)
{
	struct header *line[LINE] = {NULL};
	int n_dropped = 0;

	for (uint32_t i = 0; i < ROUNDS + LINE; i++) {
		struct header **place = &line[i % LINE];

		if (*place != NULL && (!packet_is_whole(*place) ||
				       os_memblock_put(&headers.mpe_mp, *place) != OS_OK)) {
			return -1;
		}
		*place = NULL;
		if (i < ROUNDS) {
			*place = packet_write(i * 37 % 1500, (unsigned char)i);
			n_dropped += *place == NULL;
		}
	}
	return n_dropped;
}

static void print_pools(void)
{
	struct os_mempool_info info;
	struct os_mempool *at = NULL;

	while ((at = os_mempool_info_get_next(at, &info)) != NULL) {
		printf("%s: %d blocks of %d, %d free, %d at worst\n", info.omi_name,
		       info.omi_num_blocks, info.omi_block_size, info.omi_num_free,
		       info.omi_min_free);
	}
}

int main(int argc, char **argv)
{
	bool is_shared = argc == 2 && strcmp(argv[1], "--shared") == 0;
	os_error_t error;
	int n_dropped;

	if (argc > 1 && !is_shared) {
		fprintf(stderr, "usage: packets [--shared]\n");
		return 2;
	}
	error = open_pools(is_shared);
	if (error) {
		fprintf(stderr, "packets: no pools: error %d\n", (int)error);
		return 1;
	}
	headers.mpe_put_cb = free_chain;
	headers.mpe_put_arg = &datas.mpe_mp;
	datas.mpe_put_cb = count_data;
	datas.mpe_put_arg = &n_freed;
	n_dropped = run_line();
	print_pools();
	printf("%d packets dropped, %u data blocks freed\n", n_dropped, n_freed);
	return n_dropped >= 0 && headers.mpe_mp.mp_num_free == headers.mpe_mp.mp_num_blocks &&
			       datas.mpe_mp.mp_num_free == datas.mpe_mp.mp_num_blocks &&
			       os_mempool_unregister(&datas.mpe_mp) == OS_OK &&
			       os_mempool_unregister(&headers.mpe_mp) == OS_OK
		       ? 0
		       : 1;
}
