/* SPDX-License-Identifier: MIT */
/*
 * Why a call on an open pool failed.
 *
 * Programs that poll fail often, and signal handlers fail, too: so a failure only notes which
 * sentence it is, the pool's name and some numbers, in the thread's part. mempool_errmsg() makes
 * the sentence of them, when it is asked. Nothing here allocates, or looks at the pool later on:
 * the sentence outlives the pool's close.
 *
 * Each call returns the negative errno it is given, for its caller to pass on.
 */
#ifndef MP_WHY_H
#define MP_WHY_H

#include "lib/handle.h"
#include "lib/thread.h"

/*
 * The sentences. $p is the pool's name, $a $b $c the numbers, $x the first number in hexadecimal,
 * $s is "s" unless the number before it, $b, is 1.
 */
#define WHY_SENTENCES(X)                                                                           \
	X(WHY_TOLD, "")                                                                            \
	/* any call */                                                                             \
	X(WHY_FOREIGN, "$p was opened by the parent, before fork, and is not mapped here: open "   \
		       "it in this process (with Python's multiprocessing: start method spawn, "   \
		       "or open after the start)")                                                 \
	X(WHY_OBSERVER, "this process has $p open as an observer, who only looks: open it with "   \
			"flags 0 or MEMPOOL_RDONLY")                                               \
	X(WHY_INSIDE, "a signal handler called on $p and had interrupted a call on it: block "     \
		      "the signal around calls, or leave the work to a thread")                    \
	X(WHY_BROKEN, "$p is broken, see the log of mempoold: destroy it and make it again")       \
	X(WHY_TIMEOUT, "a call on $p has a timeout of less than -1: give milliseconds, or -1 to "  \
		       "wait for as long as it takes")                                             \
	/* getting */                                                                              \
	X(WHY_NONE_FREE, "no block of $p is free, all $a are in use: put some, wait with "         \
			 "mempool_get_wait(), or have a larger pool (mempoolctl grow $p)")         \
	X(WHY_FEW_FREE, "$p, which has $a blocks, has not $b free: put some, ask for fewer, or "   \
			"have a larger pool (mempoolctl grow $p)")                                 \
	X(WHY_TOO_MANY, "$p has $a blocks at most, $b are more: name fewer in one call")           \
	X(WHY_BUSY, "blocks of $p may be free, but who has them is inside a call, perhaps "        \
		    "stopped there, or has just died: try again")                                  \
	X(WHY_QUOTA, "this process owns $a blocks of $p, and its quota is $b: put or give some "   \
		     "before it gets $c more")                                                     \
	X(WHY_LATE, "no block of $p was free within $a ms: wait longer, or have a larger pool "    \
		    "(mempoolctl grow $p)")                                                        \
	X(WHY_CANCELLED, "waiting for blocks of $p was cancelled, by mempool_cancel(): to wait "   \
			 "again, close the pool and open it anew")                                 \
	X(WHY_SIGNAL, "a signal handler ran while a call waited for a block of $p, which is open " \
		      "with MEMPOOL_EINTR: call again to wait on")                                 \
	/* what is no block of ours */                                                             \
	X(WHY_FREE, "block $a of $p is free already (put twice)")                                  \
	X(WHY_TWICE, "block $a of $p is named twice in one call, as blocks[$b] and blocks[$c]")    \
	X(WHY_OTHERS, "block $a of $p is held by process $b: only its owner can put, give or "     \
		      "send it")                                                                   \
	X(WHY_DEAD, "block $a of $p was held by process $b, which has ended: it comes back to "    \
		    "the pool by itself")                                                          \
	X(WHY_GIVEN, "block $a of $p was given by this process and nobody has taken it: have it "  \
		     "back by mempool_withdraw() first")                                           \
	X(WHY_MOVING, "block $a of $p was given by process $b and nobody has taken it: only who "  \
		      "takes it can put, give or send it")                                         \
	X(WHY_SENT, "block $a of $p was sent by channel $b and nobody has received it: only who "  \
		    "receives it can put, give or send it")                                        \
	X(WHY_SHARED, "block $a of $p was sent by the broadcast $b, and is not this process's "    \
		      "own: return what was borrowed by mempool_channel_return(), or have it by "  \
		      "mempool_channel_own()")                                                     \
	X(WHY_NOT_BORROWED, "block $a of $p is not borrowed by this handle of channel $b: it was " \
			    "returned already, or borrowed by another handle, or is this "         \
			    "process's own, to be put")                                            \
	X(WHY_SHARED_ON, "block $a of $p cannot be this process's own, as others have borrowed "   \
			 "it from channel $b or are to get it: return it, or copy it")             \
	X(WHY_NOT_OURS, "block $a of $p is not this process's: another thread has put, given or "  \
			"sent it meanwhile")                                                       \
	X(WHY_NULL, "NULL is no block of $p: did the get fail?")                                   \
	X(WHY_OUTSIDE, "address 0x$x is no block of $p, it lies outside: is it of another pool?")  \
	X(WHY_INTERIOR, "address 0x$x is no block of $p: it points $b byte$s into block $c")       \
	X(WHY_UNBORN, "address 0x$x is no block of $p yet: it is where block $b will be, and "     \
		      "there are $c")                                                              \
	X(WHY_NO_BLOCK, "there is no block $a of $p: it has $b")                                   \
	/* tokens */                                                                               \
	X(WHY_ZERO, "a zero token is no gift of $p: did the give fail?")                           \
	X(WHY_NO_TOKEN, "token 0x$x was never issued for $p: is it of another pool?")              \
	X(WHY_TAKEN, "the gift of block $b of $p was taken already, by process $c (token 0x$x)")   \
	X(WHY_OURS, "the gift of block $b of $p was taken already, by this process (token 0x$x)")  \
	X(WHY_USED_UP, "the gift of block $b of $p was taken already and the block put, or its "   \
		       "giver has died and nobody took it in time (token 0x$x)")                   \
	X(WHY_OLD, "block $b of $p was given again after token 0x$x, which was taken already; "    \
		   "or that token was never issued")                                               \
	X(WHY_NOT_GIVER, "the gift of block $b of $p is process $c's: only who gave it can "       \
			 "withdraw it, others take it (token 0x$x)")                               \
	X(WHY_NOT_MAILED, "block $b of $p was sent by channel $c and cannot be withdrawn: who "    \
			  "receives from that channel has it (token 0x$x)")                        \
	X(WHY_NOT_UNDONE, "not all of the $a blocks of $p could be given, and $b token$s of this " \
			  "call could not be withdrawn, as somebody had taken the gift: the "      \
			  "tokens that are not zero say which")                                    \
	/* channels */                                                                             \
	X(WHY_FULL, "channel $a of $p is full: $b blocks are under way")                           \
	X(WHY_LATE_ROOM, "channel $a of $p was full for $b ms: its receiver is slow, or there "    \
			 "is none (mempoolctl channels $p)")                                       \
	X(WHY_EMPTY, "channel $a of $p has nothing to receive")                                    \
	X(WHY_LATE_BLOCK, "nothing came by channel $a of $p within $b ms")                         \
	X(WHY_UNDRAINED, "not all that was sent by channel $a of $p is received")                  \
	X(WHY_LATE_DRAIN, "not all that was sent by channel $a of $p was received within $b ms: "  \
			  "its receiver is slow, or there is none (mempoolctl channels $p)")       \
	X(WHY_BEHIND, "not all that was sent by channel $a of $p is received, and this handle "    \
		      "can receive some of it: do so, then drain")                                 \
	X(WHY_CHANNEL_CANCELLED, "waiting by this handle of channel $a of $p was cancelled, by "   \
				 "mempool_channel_cancel() or mempool_cancel(): open another to "  \
				 "wait again")                                                     \
	X(WHY_CHANNEL_SIGNAL, "a signal handler ran while a call waited by channel $a of $p, "     \
			      "which is open with MEMPOOL_CHANNEL_EINTR: call again to wait on")   \
	X(WHY_RECEIVES, "this handle of channel $a of $p receives: open another without "          \
			"MEMPOOL_CHANNEL_RECEIVE to send")                                         \
	X(WHY_SENDS, "this handle of channel $a of $p sends: open another with "                   \
		     "MEMPOOL_CHANNEL_RECEIVE to receive")                                         \
	X(WHY_DESERTED, "nobody receives from channel $a of $p any more: send again when another " \
			"receiver has come, or end")                                               \
	X(WHY_OVER, "the stream of channel $a of $p is over: all who sent have closed it or "      \
		    "ended, and all they sent is received")                                        \
	X(WHY_NOBODY, "nobody receives from channel $a of $p, a broadcast, which keeps blocks "    \
		      "for nobody: send again when somebody has subscribed, or use a queue")       \
	X(WHY_BORROWS, "channel $a of $p is a broadcast, whose blocks all subscribers share: "     \
		       "have them by mempool_channel_borrow()")                                    \
	X(WHY_NO_BROADCAST, "channel $a of $p is no broadcast, nothing of it is borrowed: have "   \
			    "its blocks by mempool_channel_receive()")                             \
	X(WHY_RECEIVING, "another call receives by this handle of channel $a of $p: one thread "   \
			 "at a time can, and no signal handler meanwhile")                         \
	X(WHY_SCRIBBLED, "a process that may write to $p has written over its channel $a: "        \
			 "destroy the pool and make it again")

#define WHY_KIND(kind, sentence) kind,
enum why_kind { WHY_SENTENCES(WHY_KIND) };
#undef WHY_KIND

/* Notes the sentence @kind with its numbers. Returns @error. */
int why(const struct mempool *pool, int error, enum why_kind kind, uint64_t a, uint64_t b,
	uint64_t c);

/* Why no call on blocks may be made: -ECHILD, -EACCES, -EDEADLK, or -ENOMEM for the part. */
int why_not_begun(const struct mempool *pool, int error);

/* Why a get of @n blocks failed: -ENOMEM, -EAGAIN, -EDQUOT, -EIO. */
int why_not_got(const struct mempool *pool, uint64_t n, int error);

/* Why a block cannot be put, given or sent: -EALREADY, -EPERM, -EINVAL. */
int why_refused(const struct mempool *pool, const void *block, int error);

/* Why a token cannot be taken or withdrawn: -ESTALE, -EPERM. */
int why_stale(const struct mempool *pool, uint64_t token, int error);

/* The thread's last failure has a sentence of its own, see error.h: with signals blocked. */
static inline void why_forget(struct why *why)
{
	mp_add(&why->serial, 1);
	why->kind = WHY_TOLD;
}

/* Writes the sentence that a failure has noted. */
void why_tell(const struct why *why, char *text, size_t size);

#endif
