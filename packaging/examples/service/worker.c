/* SPDX-License-Identifier: MIT */
/*
 * service-worker [MILLISECONDS]
 *
 * Answers requests: the text in capitals, MILLISECONDS later (0). Start as many as you like.
 * SIGTERM ends it: the handler cancels the wait, so no request that is received is left undone.
 */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>

#include "service.h"

static struct mempool *pool;

static void on_signal(int signal)
{
	(void)signal;
	mempool_cancel(pool);
}

static void answer(struct request *request, long ms)
{
	const struct timespec work = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&work, NULL);
	for (uint32_t i = 0; i < service_length(request); i++) {
		request->text[i] = (char)toupper((unsigned char)request->text[i]);
	}
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	long ms = argc > 1 ? atol(argv[1]) : 0;
	struct request *request;

	pool = service_open();
	struct mempool_channel *jobs = service_open_channel(
		pool, SERVICE_JOBS, MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_RECEIVE);
	struct mempool_channel *answers = service_open_channel(pool, SERVICE_ANSWERS, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	while ((request = mempool_channel_receive(jobs, -1)) != NULL) {
		answer(request, ms);
		if (mempool_channel_send(answers, request, -1) < 0) {
			warnx("%s", mempool_errmsg());
			mempool_put(pool, request);
		}
	}
	if (errno != ECANCELED) {
		errx(1, "%s", mempool_errmsg());
	}
	mempool_channel_close(answers);
	mempool_channel_close(jobs);
	return mempool_close(pool) < 0;
}
