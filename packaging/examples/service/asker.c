/* SPDX-License-Identifier: MIT */
/*
 * service-asker SOCKET
 *
 * Sends each line of its input to the server, and prints the answer before it sends the next. Exit
 * status: 0 when all were answered, else 1.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "service.h"

static int ask_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		errx(2, "%s: the path is too long for a socket", path);
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err(1, "%s", path);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static char line[65536], answer[SERVICE_TEXT];

	if (argc != 2) {
		errx(2, "usage: service-asker SOCKET");
	}
	int fd = ask_at(argv[1]);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t length = strcspn(line, "\n");
		if (length == 0) {
			continue; /* an empty message would look like the end */
		}
		if (send(fd, line, length, MSG_NOSIGNAL) < 0) {
			err(1, "send");
		}
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		if (n <= 0) {
			errx(1, "the server has closed the connection");
		}
		printf("%.*s\n", (int)n, answer);
		fflush(stdout);
	}
	return 0;
}
