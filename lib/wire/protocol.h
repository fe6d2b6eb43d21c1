/* SPDX-License-Identifier: MIT */
/*
 * The messages between library and daemon.
 *
 * One SOCK_SEQPACKET socket, one fixed-size struct a packet. The client asks, the daemon answers
 * each request with one reply of the type the table names, or with WIRE_ERROR; before the reply of
 * a CREATE or GROW that takes long, or of an OPEN that waits for a pool to be made, there may be
 * any number of WIRE_PROGRESS. A reply carries the request's serial. The first request is HELLO.
 * Descriptors travel only from the daemon, only with ATTACHED.
 *
 * The receiver checks length, then version, then type, then ranges, then rights. A zero within the
 * field ends each string. HACKING.md says how to add a message.
 */
#ifndef MP_WIRE_PROTOCOL_H
#define MP_WIRE_PROTOCOL_H

#include <stdint.h>

#define WIRE_VERSION 2u
#define WIRE_NAME 72 /* MEMPOOL_NAME_MAX + 1, rounded up */
#define WIRE_TEXT 216
#define WIRE_FDS 3 /* at most, with one message */

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_CREATE,
	WIRE_OPEN,
	WIRE_DETACH,
	WIRE_DESTROY,
	WIRE_FIND_POOL,
	WIRE_NEXT_POOL,
	WIRE_NEXT_CLIENT,
	WIRE_DAEMON,
	WIRE_GROW,
	WIRE_STATUS,
	WIRE_BARRIER,
	WIRE_OPEN_OR_CREATE,
	WIRE_REQUEST_END,

	WIRE_WELCOME = 64,
	WIRE_ATTACHED,
	WIRE_DONE,
	WIRE_POOL,
	WIRE_CLIENT,
	WIRE_DAEMON_INFO,
	WIRE_PROGRESS,
	WIRE_ERROR,
	WIRE_STATUS_INFO,
	WIRE_REPLY_END,
};

enum wire_access {
	WIRE_WRITER = 0,
	WIRE_READER = 1,   /* control read-write, data read-only */
	WIRE_OBSERVER = 2, /* both read-only; has no slot and no liveness file */
};

struct wire_head {
	uint32_t size; /* of the whole message */
	uint16_t version;
	uint16_t type;
	uint32_t serial; /* chosen by the client, repeated in the reply */
	int32_t error;   /* WIRE_ERROR: a positive errno; else 0 */
};
_Static_assert(sizeof(struct wire_head) == 16, "frozen");

/*
 * What a pool is made of. In requests zero means the default, but n_caches 0 means that threads
 * cache nothing. In replies no other number is zero.
 */
struct wire_shape {
	uint64_t block_size;
	uint32_t blocks; /* in replies: now */
	uint32_t max_blocks;
	uint32_t alignment;
	uint32_t capacity; /* 0 in requests: the daemon chooses by the number of blocks */
	uint32_t n_caches;
	uint32_t n_slots;
	uint32_t n_shards;
	uint32_t n_channels;
	uint32_t depth;
	uint32_t zero;
};
_Static_assert(sizeof(struct wire_shape) == 48, "frozen");

enum wire_lifetime {
	WIRE_PERSISTENT = 0, /* until destroyed */
	WIRE_LAST_USER = 1,  /* until no process has it open */
	WIRE_CREATOR = 2,    /* until the creator closes it or ends */
	WIRE_LIFETIME_END,
};

enum wire_backing {
	WIRE_BACKING_AUTO = 0, /* only in requests: the daemon chooses, by who may open it */
	WIRE_SHM = 1,          /* objects in /dev/shm */
	WIRE_MEMFD = 2,        /* sealed: nobody can change their size */
	WIRE_BACKING_END,
};

/* How much a pool wants huge pages, or prefault. */
enum wire_effort {
	WIRE_NO = 0,
	WIRE_TRY = 1,
	WIRE_REQUIRE = 2,
	WIRE_EFFORT_END,
};

/* What a pool promises and asks of its users, and its memory. Zeros: nothing. */
struct wire_terms {
	uint64_t schema; /* of the payload; the users' own number */
	uint32_t schema_version;
	uint32_t quota; /* blocks a process may own */
	uint32_t lifetime;
	uint8_t backing;    /* enum wire_backing */
	uint8_t huge_pages; /* enum wire_effort; so is prefault */
	uint8_t prefault;
	uint8_t zero;
};
_Static_assert(sizeof(struct wire_terms) == 24, "frozen");

struct wire_hello {
	struct wire_head head;
	uint64_t signature; /* mp_signature() */
	int32_t pid;        /* as the client sees itself; differs in another PID namespace */
	uint32_t zero;
};
_Static_assert(sizeof(struct wire_hello) == 32, "frozen");

/* CREATE; OPEN_OR_CREATE opens as writer the pool that has the name, if it is as asked for. */
struct wire_create {
	struct wire_head head;
	char name[WIRE_NAME];
	uint64_t cookie; /* random; a request with the same cookie is this one, sent again */
	struct wire_shape shape;
	struct wire_terms terms;
	uint32_t uid, gid, mode;
	uint32_t gift_grace_ms;
};
_Static_assert(sizeof(struct wire_create) == 184, "frozen");

struct wire_open {
	struct wire_head head;
	char name[WIRE_NAME];
	uint32_t access;         /* enum wire_access */
	uint32_t schema_version; /* with schema */
	uint64_t schema;         /* that the pool must have; 0: any */
};
_Static_assert(sizeof(struct wire_open) == 104, "frozen");

struct wire_detach {
	struct wire_head head;
	uint64_t pool_id;
	uint64_t attachment; /* as in ATTACHED */
	uint32_t slot;
	uint32_t zero;
};
_Static_assert(sizeof(struct wire_detach) == 40, "frozen");

/* DESTROY, FIND_POOL. */
struct wire_name {
	struct wire_head head;
	char name[WIRE_NAME];
};
_Static_assert(sizeof(struct wire_name) == 88, "frozen");

struct wire_grow {
	struct wire_head head;
	char name[WIRE_NAME];
	uint32_t blocks; /* there shall be */
	uint32_t zero;
};
_Static_assert(sizeof(struct wire_grow) == 96, "frozen");

/* NEXT_POOL, NEXT_CLIENT: asks for what comes after the cursor; name empty: of any pool. */
struct wire_next {
	struct wire_head head;
	char name[WIRE_NAME];
	uint32_t cursor;
	uint32_t zero;
};
_Static_assert(sizeof(struct wire_next) == 96, "frozen");

/* WIRE_DAEMON, WIRE_STATUS, WIRE_BARRIER, WIRE_DONE. */
struct wire_plain {
	struct wire_head head;
};

struct wire_welcome {
	struct wire_head head;
	char instance[40];
	char version[16];
};
_Static_assert(sizeof(struct wire_welcome) == 72, "frozen");

/* Descriptors: control, data, and for writers and readers the liveness file. */
struct wire_attached {
	struct wire_head head;
	uint64_t pool_id;
	uint64_t attachment; /* the number of this attachment; no other has the same */
	struct wire_shape shape;
	struct wire_terms terms;
	uint32_t slot; /* MP_NONE for observers */
	uint32_t access;
};
_Static_assert(sizeof(struct wire_attached) == 112, "frozen");

struct wire_pool {
	struct wire_head head;
	char name[WIRE_NAME];
	uint64_t id;
	uint64_t memory; /* bytes reserved, of both objects */
	struct wire_shape shape;
	struct wire_terms terms;
	uint64_t stride;
	uint32_t uid, gid, mode;
	uint32_t clients;
	uint32_t gift_grace_ms;
	uint32_t flags;  /* WIRE_POOL_* */
	uint32_t cursor; /* NEXT_POOL: for the next; 0 there was none, the rest is empty */
	uint32_t zero;
};
#define WIRE_POOL_DESTROYED 1u
#define WIRE_POOL_BROKEN 2u
#define WIRE_POOL_NAMELESS 4u /* somebody removed its names from /dev/shm */
#define WIRE_POOL_REPLACED 8u /* with DESTROYED: another pool has its name now */
_Static_assert(sizeof(struct wire_pool) == 216, "frozen");

struct wire_client {
	struct wire_head head;
	char pool[WIRE_NAME];
	char comm[16];
	uint64_t pool_id;
	uint64_t attached_at; /* seconds since the epoch */
	int32_t pid;
	uint32_t uid;
	uint32_t slot;
	uint32_t access;
	uint32_t dead;
	uint32_t cursor; /* for the next; 0: there was none, the rest is empty */
};
_Static_assert(sizeof(struct wire_client) == 144, "frozen");

struct wire_daemon_info {
	struct wire_head head;
	char instance[40];
	char version[16];
	int32_t pid;
	uint32_t pools, clients, sessions;
	uint64_t started_at;
	uint64_t passes;
	uint64_t longest_slice_ns;
};
_Static_assert(sizeof(struct wire_daemon_info) == 112, "frozen");

/* Own: of the user who asks. A limit of 0: there is none, or it does not bind that user. */
struct wire_status_info {
	struct wire_head head;
	char version[16];
	char instance[40];
	int32_t pid;
	uint32_t uid; /* of the daemon */
	uint64_t started_at;
	uint32_t adopted; /* pools, at the start */
	uint32_t pools, max_pools, own_pools, max_own_pools;
	uint32_t clients, own_clients, max_own_clients;
	uint32_t sessions, max_sessions, own_sessions, max_own_sessions;
	uint32_t broken, nameless, unkept; /* pools */
	uint32_t faults;                   /* WIRE_FAULT_* */
	uint64_t bytes, max_bytes, own_bytes, max_own_bytes;
	uint64_t own_blocks, max_own_blocks;
	uint64_t shm_bytes, memfd_bytes;
	uint64_t passes;
	uint64_t longest_slice_ns;
};
#define WIRE_FAULT_REGISTRY 1u    /* has no name, and can get none */
#define WIRE_FAULT_SOCKET 2u      /* its file is gone, and cannot be made again */
#define WIRE_FAULT_DESCRIPTORS 4u /* none was left for the last connection */
#define WIRE_FAULT_NO_PROC 0x10000u
#define WIRE_FAULT_NO_URING 0x20000u
#define WIRE_FAULT_NO_PASSRIGHTS 0x40000u /* descriptors are not turned away at the sender */
_Static_assert(sizeof(struct wire_status_info) == 232, "frozen");

struct wire_progress {
	struct wire_head head;
	uint64_t done, total; /* bytes */
};
_Static_assert(sizeof(struct wire_progress) == 32, "frozen");

struct wire_error {
	struct wire_head head;
	char text[WIRE_TEXT]; /* what, of which pool, and the remedy */
};
_Static_assert(sizeof(struct wire_error) == 232, "frozen");

/* X(type, struct, reply type) */
#define WIRE_REQUESTS(X)                                    \
	X(WIRE_HELLO, struct wire_hello, WIRE_WELCOME)      \
	X(WIRE_CREATE, struct wire_create, WIRE_ATTACHED)   \
	X(WIRE_OPEN, struct wire_open, WIRE_ATTACHED)       \
	X(WIRE_DETACH, struct wire_detach, WIRE_DONE)       \
	X(WIRE_DESTROY, struct wire_name, WIRE_DONE)        \
	X(WIRE_FIND_POOL, struct wire_name, WIRE_POOL)      \
	X(WIRE_NEXT_POOL, struct wire_next, WIRE_POOL)      \
	X(WIRE_NEXT_CLIENT, struct wire_next, WIRE_CLIENT)  \
	X(WIRE_DAEMON, struct wire_plain, WIRE_DAEMON_INFO) \
	X(WIRE_GROW, struct wire_grow, WIRE_DONE)           \
	X(WIRE_STATUS, struct wire_plain, WIRE_STATUS_INFO) \
	X(WIRE_BARRIER, struct wire_plain, WIRE_DONE)       \
	X(WIRE_OPEN_OR_CREATE, struct wire_create, WIRE_ATTACHED)

/* X(type, struct) */
#define WIRE_REPLIES(X)                              \
	X(WIRE_WELCOME, struct wire_welcome)         \
	X(WIRE_ATTACHED, struct wire_attached)       \
	X(WIRE_DONE, struct wire_plain)              \
	X(WIRE_POOL, struct wire_pool)               \
	X(WIRE_CLIENT, struct wire_client)           \
	X(WIRE_DAEMON_INFO, struct wire_daemon_info) \
	X(WIRE_PROGRESS, struct wire_progress)       \
	X(WIRE_STATUS_INFO, struct wire_status_info) \
	X(WIRE_ERROR, struct wire_error)

/* Any message; a buffer large enough for each. */
union wire_message {
	struct wire_head head;
	struct wire_hello hello;
	struct wire_create create;
	struct wire_open open;
	struct wire_detach detach;
	struct wire_name name;
	struct wire_grow grow;
	struct wire_next next;
	struct wire_plain plain;
	struct wire_welcome welcome;
	struct wire_attached attached;
	struct wire_pool pool;
	struct wire_client client;
	struct wire_daemon_info daemon_info;
	struct wire_status_info status_info;
	struct wire_progress progress;
	struct wire_error error;
};

#endif
