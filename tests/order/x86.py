# SPDX-License-Identifier: MIT
"""X86: what an instruction of x86-64 does.

Loads are acquires and stores are releases, and what has a lock prefix is a full barrier.
"""
import re

from code import Access, Code
from rules import Fault

MEMORY = re.compile(r"(-?0x[0-9a-f]+|)\((%\w*|)[^)]*\)$")
READ_ONLY = re.compile(r"(cmp|test|bt|u?comis|mul|i?div|imul|call|jmp|push|prefetch)")
PREFIXES = ("lock", "notrack", "bnd", "rep", "repz", "repnz")
FLOWS = {"ret": "return", "ud2": "stop", "hlt": "stop", "call": "call", "jmp": "jump"}
ONE_SUFFIX = {"b": 1, "w": 2, "l": 4, "q": 8}


def split_operands(text):
	return [o.strip() for o in re.split(r",(?![^(]*\))", text)] if text else []


def register_size(name):
	if name.startswith("%xmm"):
		return 16
	if name.startswith(("%ymm", "%zmm")):
		return 32
	if re.match(r"%(r[0-9]+|r[a-ds][xipl]|rdi)$", name):
		return 8
	if re.match(r"%(e\w\w|r[0-9]+d)$", name):
		return 4
	return 2 if re.match(r"%(\w[xipb]|[sd]i|r[0-9]+w)$", name) else 1


def size_of(i):
	suffix = ONE_SUFFIX.get(i.name[-1])
	registers = [o for o in i.operands if o.startswith("%") and "(" not in o]
	if registers and not i.name.startswith("set"):
		return register_size(registers[-1])
	return 1 if i.name.startswith("set") else suffix


class X86(Code):
	HAS_BARRIERS = False

	def decode(self, i):
		words = i.text.split(None, 1)
		i.lock = words[0] == "lock"
		while len(words) > 1 and words[0] in PREFIXES:
			words = words[1].split(None, 1)
		i.name = words[0]
		i.operands = split_operands(words[1] if len(words) > 1 else "")
		i.lock = i.lock or i.name == "xchg" and "(" in i.operands[-1]
		i.flow = FLOWS.get(i.name, "branch" if i.name[0] == "j" else "")
		if i.flow and i.operands:
			self.aim(i, i.operands[0])

	def accesses(self, i):
		"""What it does to memory that is not the stack."""
		memory = [o for o in i.operands if "(" in o]
		if i.name == "mfence" or i.lock and memory and memory[-1].endswith("(%rsp)"):
			return [Access("fence")]
		if not memory or i.name in ("lea", "call", "jmp") or "nop" in i.text:
			return []
		match = MEMORY.search(memory[-1])
		if not match or match[2] in ("%rsp", "%rip"):
			return []
		stores = i.operands[-1] == memory[-1] or i.name == "xchg"
		kind = "store" if stores and not READ_ONLY.match(i.name) else "load"
		return [Access("lock" if i.lock else kind, size_of(i), {int(match[1] or "0", 16)},
			       narrow=i.name.startswith("test"))]

	def jump_table(self, i):
		"""Where a jump through a register goes: its table is the last one named before."""
		made_by = next((b for b in self.before(i) if b.operands
				and b.operands[-1] == i.operands[0][1:]), None)
		if not made_by or not made_by.name.startswith("add"):
			return []
		table = next((int(b.address, 16) for b in self.before(i)
			      if b.name == "lea" and b.address
			      and int(b.address, 16) in self.rodata), 0)
		targets, at = [], table
		while at in self.rodata and at + 3 in self.rodata:
			entry = bytes(self.rodata[at + n] for n in range(4))
			target = table + int.from_bytes(entry, "little", signed=True)
			if target not in self.code or self.base(target) != self.base(i.at):
				break
			targets.append(target)
			at += 4
		if not targets:
			raise Fault("%x: %s: where to?" % (i.at, i.text))
		return targets
