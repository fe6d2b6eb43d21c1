/* SPDX-License-Identifier: MIT */
/*
 * consumer POOL SOCKET OUTPUT MICROSECONDS
 *
 * Takes the blocks that a producer gives and writes each chunk to its place in OUTPUT, until the
 * producer hangs up. In the middle of writing a chunk it sleeps for MICROSECONDS, as if it had work
 * to do; when it is killed then, half of the chunk is missing. It only reads blocks, so it opens
 * the pool as reader.
 */
#define _GNU_SOURCE 1 /* SOCK_CLOEXEC, pwrite(), whatever the flags */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "parcel.h"

static int connect_to_producer(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errx(1, "%s: too long for a socket", path);
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err(1, "%s", path);
	}
	return fd;
}

/* Waits for the next parcel. Returns false when the producer has hung up. */
static bool receive(int fd, struct parcel *parcel)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	if (poll(&readable, 1, PARCEL_QUIET_MS) <= 0) {
		errx(1, "the producer is silent");
	}

	ssize_t n = recv(fd, parcel, sizeof(*parcel), 0);

	if (n < 0 || (n > 0 && n != sizeof(*parcel))) {
		err(1, "no parcel");
	}
	return n > 0;
}

static void write_at(int output, const char *bytes, size_t length, off_t offset)
{
	while (length > 0) {
		ssize_t n = pwrite(output, bytes, length, offset);

		if (n <= 0) {
			err(1, "the output cannot be written");
		}
		bytes += n;
		offset += n;
		length -= (size_t)n;
	}
}

static void work(long microseconds)
{
	struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};

	nanosleep(&pause, NULL);
}

static void unpack(struct mempool *pool, const struct parcel *parcel, int output, long microseconds)
{
	const char *block = mempool_take(pool, parcel->token);
	size_t length = parcel->length, half = length / 2;
	off_t offset = (off_t)parcel->chunk * (off_t)mempool_block_size(pool);

	if (block == NULL || length > mempool_block_size(pool)) {
		err(1, "chunk %u cannot be taken", parcel->chunk);
	}
	write_at(output, block, half, offset);
	work(microseconds);
	write_at(output, block + half, length - half, offset + (off_t)half);
	if (mempool_put(pool, (void *)block) < 0) {
		errx(1, "chunk %u: its block cannot be put", parcel->chunk);
	}
}

int main(int argc, char **argv)
{
	struct mempool_conn *conn;
	struct mempool *pool;
	struct parcel parcel;

	if (argc != 5) {
		errx(2, "usage: consumer POOL SOCKET OUTPUT MICROSECONDS");
	}
	if (mempool_connect(&conn, NULL) < 0 ||
	    mempool_open(conn, argv[1], MEMPOOL_RDONLY, &pool) < 0) {
		errx(1, "%s", mempool_errmsg());
	}

	int producer = connect_to_producer(argv[2]);
	int output = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (output < 0) {
		err(1, "%s", argv[3]);
	}
	while (receive(producer, &parcel)) {
		unpack(pool, &parcel, output, atol(argv[4]));
		if (send(producer, &parcel, sizeof(parcel), MSG_NOSIGNAL) < 0) {
			err(1, "the producer has gone");
		}
	}
	if (mempool_close(pool) < 0) {
		errx(1, "a block is still held");
	}
	mempool_disconnect(conn);
	return 0;
}
