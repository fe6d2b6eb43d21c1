/* SPDX-License-Identifier: MIT */
/*
 * producer POOL SOCKET FILE CONSUMERS
 *
 * Waits until CONSUMERS consumers have connected to SOCKET; then reads FILE into blocks, gives
 * them, and sends the tokens to the consumers. A chunk is done when its parcel comes back. When a
 * consumer's connection ends, the producer withdraws the gifts that this consumer did not take,
 * and reads again and sends to the others what it did not acknowledge. The daemon takes back the
 * blocks that it had taken.
 *
 * Prints "listening"; then, at each percent, the chunks done and the chunks in all; at the end
 * "sent again N".
 */
#define _GNU_SOURCE 1 /* accept4(), whatever the flags */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "parcel.h"

#define CONSUMERS_MAX 16
#define WINDOW 4   /* parcels a consumer may have before it acknowledges the first */
#define RETRY_MS 5 /* until a block may be free again */

enum chunk_state { TO_SEND, SENT, DONE };

struct consumer {
	int fd;
	int n_parcels;
	struct parcel parcels[WINDOW]; /* not yet acknowledged */
};

struct producer {
	struct mempool *pool;
	int file;
	int listener;
	uint64_t file_size;
	uint32_t n_chunks, n_done, n_again;
	uint32_t next;         /* no chunk before it is to be sent */
	unsigned char *chunks; /* enum chunk_state of each */
	int n_consumers;
	struct consumer consumers[CONSUMERS_MAX];
};

static void open_file(struct producer *producer, const char *path)
{
	struct stat status;
	size_t block_size = mempool_block_size(producer->pool);

	producer->file = open(path, O_RDONLY | O_CLOEXEC);
	if (producer->file < 0 || fstat(producer->file, &status) < 0) {
		err(1, "%s", path);
	}
	producer->file_size = (uint64_t)status.st_size;
	producer->n_chunks = (uint32_t)((producer->file_size + block_size - 1) / block_size);
	producer->chunks = calloc(producer->n_chunks, 1);
	if (producer->chunks == NULL) {
		errx(1, "%s: empty, or too large", path);
	}
}

static void listen_at(struct producer *producer, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errx(1, "%s: too long for a socket", path);
	}
	strcpy(address.sun_path, path);
	producer->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (producer->listener < 0 ||
	    bind(producer->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(producer->listener, CONSUMERS_MAX) < 0) {
		err(1, "%s", path);
	}
	puts("listening");
	fflush(stdout);
}

static void accept_consumer(struct producer *producer)
{
	int fd = accept4(producer->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0 || producer->n_consumers == CONSUMERS_MAX) {
		errx(1, "no more than %d consumers", CONSUMERS_MAX);
	}
	producer->consumers[producer->n_consumers++] = (struct consumer){.fd = fd};
}

/* Changes the state of a chunk. No other function does. */
static void set_chunk(struct producer *producer, uint32_t chunk, enum chunk_state state)
{
	uint32_t before = producer->n_done;

	producer->chunks[chunk] = (unsigned char)state;
	if (state == TO_SEND) {
		producer->n_again++;
		producer->next = chunk < producer->next ? chunk : producer->next;
	} else if (state == DONE) {
		producer->n_done++;
		if (producer->n_done * 100ull / producer->n_chunks !=
		    before * 100ull / producer->n_chunks) {
			printf("%u %u\n", producer->n_done, producer->n_chunks);
			fflush(stdout);
		}
	}
}

/* The next chunk to send, or n_chunks if there is none now. */
static uint32_t next_chunk(struct producer *producer)
{
	while (producer->next < producer->n_chunks && producer->chunks[producer->next] != TO_SEND) {
		producer->next++;
	}
	return producer->next;
}

/* The consumer with the fewest chunks to do. NULL: all have enough. */
static struct consumer *idlest_consumer(struct producer *producer)
{
	struct consumer *idlest = NULL;

	for (int i = 0; i < producer->n_consumers; i++) {
		struct consumer *consumer = &producer->consumers[i];

		if (consumer->n_parcels < (idlest != NULL ? idlest->n_parcels : WINDOW)) {
			idlest = consumer;
		}
	}
	return idlest;
}

static uint32_t read_chunk(const struct producer *producer, uint32_t chunk, char *block)
{
	uint64_t block_size = mempool_block_size(producer->pool);
	uint64_t offset = chunk * block_size;
	uint64_t left = producer->file_size - offset;
	uint32_t length = (uint32_t)(left < block_size ? left : block_size);

	for (uint32_t done = 0; done < length;) {
		ssize_t n =
			pread(producer->file, block + done, length - done, (off_t)(offset + done));

		if (n <= 0) {
			err(1, "the file cannot be read");
		}
		done += (uint32_t)n;
	}
	return length;
}

/* Reads the chunk into the block, gives it, and sends the token. */
static void send_chunk(struct producer *producer, struct consumer *consumer, uint32_t chunk,
		       void *block)
{
	struct parcel parcel = {
		.chunk = chunk,
		.length = read_chunk(producer, chunk, block),
		.token = mempool_give(producer->pool, block),
	};

	if (parcel.token.v == 0) {
		err(1, "chunk %u cannot be given", chunk);
	}
	set_chunk(producer, chunk, SENT);
	consumer->parcels[consumer->n_parcels++] = parcel;
	/* A failure is the consumer's end, which poll() will report as well. */
	send(consumer->fd, &parcel, sizeof(parcel), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends what can be sent now. Returns false when only blocks were missing. */
static bool send_chunks(struct producer *producer)
{
	struct consumer *consumer;

	while (next_chunk(producer) < producer->n_chunks &&
	       (consumer = idlest_consumer(producer)) != NULL) {
		void *block = mempool_get(producer->pool);

		if (block == NULL) {
			if (errno != ENOMEM && errno != EAGAIN) {
				err(1, "no block");
			}
			return false;
		}
		send_chunk(producer, consumer, producer->next, block);
	}
	return true;
}

static void acknowledge(struct producer *producer, struct consumer *consumer,
			const struct parcel *parcel)
{
	for (int i = 0; i < consumer->n_parcels; i++) {
		if (consumer->parcels[i].token.v == parcel->token.v) {
			set_chunk(producer, consumer->parcels[i].chunk, DONE);
			consumer->parcels[i] = consumer->parcels[--consumer->n_parcels];
			return;
		}
	}
	errx(1, "chunk %u was acknowledged by a stranger", parcel->chunk);
}

/*
 * Withdraws the gift, if nobody took it. If the dead consumer took it, the daemon takes it back.
 */
static void take_back(struct producer *producer, const struct parcel *parcel)
{
	void *block = mempool_withdraw(producer->pool, parcel->token);

	if (block != NULL && mempool_put(producer->pool, block) < 0) {
		errx(1, "chunk %u: its block cannot be put", parcel->chunk);
	}
	set_chunk(producer, parcel->chunk, TO_SEND);
}

static void drop_consumer(struct producer *producer, struct consumer *consumer)
{
	for (int i = 0; i < consumer->n_parcels; i++) {
		take_back(producer, &consumer->parcels[i]);
	}
	close(consumer->fd);
	*consumer = producer->consumers[--producer->n_consumers];
	if (producer->n_consumers == 0) {
		errx(1, "no consumer is left");
	}
}

static void hear_consumer(struct producer *producer, struct consumer *consumer)
{
	struct parcel parcel;
	ssize_t n = recv(consumer->fd, &parcel, sizeof(parcel), MSG_DONTWAIT);

	if (n == sizeof(parcel)) {
		acknowledge(producer, consumer, &parcel);
	} else if (n >= 0 || errno != EAGAIN) {
		drop_consumer(producer, consumer);
	}
}

/* Waits for something to happen, and answers it. Returns false when nothing did. */
static bool wait_and_answer(struct producer *producer, int timeout_ms)
{
	struct pollfd fds[CONSUMERS_MAX + 1];
	int n = producer->n_consumers;

	for (int i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = producer->consumers[i].fd, .events = POLLIN};
	}
	fds[n] = (struct pollfd){.fd = producer->listener, .events = POLLIN};
	if (poll(fds, (nfds_t)n + 1, timeout_ms) <= 0) {
		return false;
	}
	/* Goes backwards, because the last consumer moves into the place of one that is dropped. */
	for (int i = n - 1; i >= 0; i--) {
		if (fds[i].revents != 0) {
			hear_consumer(producer, &producer->consumers[i]);
		}
	}
	if (fds[n].revents != 0) {
		accept_consumer(producer);
	}
	return true;
}

static void send_file(struct producer *producer)
{
	int quiet_ms = 0;

	while (producer->n_done < producer->n_chunks) {
		int timeout_ms = send_chunks(producer) ? PARCEL_QUIET_MS : RETRY_MS;

		quiet_ms = wait_and_answer(producer, timeout_ms) ? 0 : quiet_ms + timeout_ms;
		if (quiet_ms >= PARCEL_QUIET_MS) {
			errx(1, "the consumers are silent");
		}
	}
}

int main(int argc, char **argv)
{
	struct producer producer = {0};
	struct mempool_conn *conn;

	if (argc != 5) {
		errx(2, "usage: producer POOL SOCKET FILE CONSUMERS");
	}
	if (mempool_connect(&conn, NULL) < 0 ||
	    mempool_open(conn, argv[1], 0, &producer.pool) < 0) {
		errx(1, "%s", mempool_errmsg());
	}
	open_file(&producer, argv[3]);
	listen_at(&producer, argv[2]);
	while (producer.n_consumers < atoi(argv[4])) {
		if (!wait_and_answer(&producer, PARCEL_QUIET_MS)) {
			errx(1, "the consumers do not come");
		}
	}
	send_file(&producer);
	printf("sent again %u\n", producer.n_again);
	for (int i = 0; i < producer.n_consumers; i++) {
		close(producer.consumers[i].fd);
	}
	if (mempool_close(producer.pool) < 0) {
		errx(1, "a block is still held");
	}
	mempool_disconnect(conn);
	free(producer.chunks);
	return 0;
}
