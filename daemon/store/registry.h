/* SPDX-License-Identifier: MIT */
/*
 * The registry: what the daemon knows about pools and who has them open, in shared memory that only
 * it can map, so that the next daemon knows it too. registry.c says in which order it is written.
 */
#ifndef MP_DAEMON_REGISTRY_H
#define MP_DAEMON_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/core/atomic.h"
#include "lib/wire/protocol.h"

#define REGISTRY_MAGIC 0x79727473676572ffull /* "\xffregstry" */
#define REGISTRY_VERSION 3u

enum {
	REGISTRY_POOLS = 1024,
	REGISTRY_SLOTS = 4096, /* of a pool, at most */
};

enum registry_pool_state {
	REGISTRY_POOL_FREE,
	REGISTRY_POOL_BUILDING, /* its objects may or may not exist */
	REGISTRY_POOL_LIVE,
	REGISTRY_POOL_GONE, /* has no name any more; its objects may or may not exist */
};

enum registry_slot_state {
	REGISTRY_SLOT_FREE,
	REGISTRY_SLOT_CLAIMED, /* no client has it yet; its liveness file may or may not exist */
	REGISTRY_SLOT_LIVE,
	REGISTRY_SLOT_DEAD, /* buried; reclaim takes back what the process held */
};

struct registry_header {
	mp_atomic64 magic; /* stored last */
	uint32_t version;
	uint32_t header_size;
	uint32_t pool_size; /* bytes of a record */
	uint32_t slot_size;
	uint32_t n_pools;
	uint32_t n_slots;
};

struct registry_pool {
	mp_atomic32 state;  /* enum registry_pool_state; stored after all other fields */
	mp_atomic32 broken; /* 1: clients spoilt its objects; never back to 0 */
	uint64_t id;        /* random; part of the objects' names */
	uint64_t cookie;    /* of the CREATE that made it; 0: none */
	uint64_t control_size;
	uint64_t data_size;
	uint64_t created_at;     /* seconds since the epoch */
	struct wire_shape shape; /* shape.blocks: raised by growing */
	struct wire_terms terms;
	uint64_t owner_attachment; /* lifetime CREATOR: the pool ends with it; 0: none yet */
	uint32_t uid, gid, mode;
	uint32_t gift_grace_ms;
	uint32_t creator; /* uid of the process whose CREATE, with that cookie, made it */
	uint32_t laid;    /* blocks whose words are laid; growth lays up to shape.blocks */
	char name[WIRE_NAME];
	/* See memory.h. */
	int32_t keeper;        /* pid; 0: none */
	uint32_t keeper_where; /* where and identity as in struct registry_slot */
	uint64_t keeper_identity;
	uint64_t inodes[2]; /* by object kind; 0: an earlier version did not note it */
};
_Static_assert(sizeof(struct registry_pool) == 256, "part of the format");

struct registry_slot {
	mp_atomic32 state; /* enum registry_slot_state; CLAIMED is stored after all other fields */
	uint32_t access;   /* enum wire_access */
	int32_t pid;
	uint32_t uid;
	uint64_t identity;    /* of the process, see identity.h; 0: not known */
	uint64_t attachment;  /* random; part of the liveness file's name */
	uint64_t attached_at; /* seconds since the epoch */
	uint32_t where;       /* identity_here() of the daemon that noted pid and identity */
	uint32_t unused[5];
};
_Static_assert(sizeof(struct registry_slot) == 64, "part of the format");

struct registry {
	int fd; /* holds the lock that lets the instance have one daemon only */
	struct registry_header *header;
	struct registry_pool *pools;
	struct registry_slot *slots; /* REGISTRY_SLOTS a pool, reserved while the pool is */
	int lost; /* why its name is not there and cannot be made again: -errno; 0: it is there */
};

/*
 * Opens or makes the instance's registry, and takes its lock. Logs why not. Returns 0, -EBUSY when
 * another daemon has the instance, -EEXIST when another user has its name, or -errno.
 */
int registry_open(struct registry *registry, const char *instance);

/* Notes the directory of the daemon in it, for those who list instances. */
void registry_note_directory(struct registry *registry, const char *dir);

#define REGISTRY_DIRECTORY 1024 /* bytes of it that are kept, with the terminator */

/*
 * Reads the records of a registry that somebody else may have open, and may be changing; what they
 * say is not to be trusted more than who owns it. Returns 0, or -EPROTONOSUPPORT when it is none of
 * this version.
 */
int registry_read(int fd, struct registry_pool pools[REGISTRY_POOLS], char dir[REGISTRY_DIRECTORY]);

/* Reads the slots of a record likewise. Returns 0 or -EIO. */
int registry_read_slots(int fd, uint32_t index, struct registry_slot slots[REGISTRY_SLOTS]);

/* Makes it none, so that a daemon that finds it begins anew. */
void registry_spoil(int fd);

/*
 * Sees to it that the next daemon finds the registry: when its name is not there any more, goes on
 * in a copy that has it. Logs that, and once why it cannot be done. Returns 0; 1: done just now;
 * -EEXIST: something else has the name; or -errno.
 */
int registry_restore(struct registry *registry, const char *instance);

/* The inode of the registry, which changes when it is made again; 0: not to be had. */
ino_t registry_inode(const struct registry *registry);

/* Whether any record is in use. */
bool registry_is_empty(const struct registry *registry);

/* Unmaps the registry and drops its lock; unlinks it when no record is in use. */
void registry_close(struct registry *registry, const char *instance);

/* The slots of a pool's record. */
struct registry_slot *registry_slots(const struct registry *registry, uint32_t index);

/* The index of a free record, or -1. */
int registry_find_free(const struct registry *registry);

/*
 * Enters @pool (its state is ignored) as BUILDING and reserves @n_slots free slots for it. Returns
 * 0, or -errno and the record stays free.
 */
int registry_enter(struct registry *registry, uint32_t index, const struct registry_pool *pool);

/* Moves a pool along BUILDING -> LIVE -> GONE or BUILDING -> GONE. */
void registry_move_pool(struct registry_pool *pool, enum registry_pool_state state);

/* GONE -> FREE, and gives back the slots' pages. The pool's objects must have been unlinked. */
void registry_remove(struct registry *registry, uint32_t index);

/* FREE -> CLAIMED, with the fields of @slot (its state is ignored). */
void registry_claim_slot(struct registry_slot *at, const struct registry_slot *slot);

/* Moves a slot along CLAIMED -> LIVE -> DEAD -> FREE or CLAIMED -> DEAD. */
void registry_move_slot(struct registry_slot *slot, enum registry_slot_state state);

#endif
