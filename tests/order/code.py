# SPDX-License-Identifier: MIT
"""Code: the disassembly of a library, and of which statements each instruction was made.

A class for each machine says what an instruction is: see x86.py and aarch64.py. It has
	decode(i)	reads the text; sets flow, and what its other methods want
	accesses(i)	the accesses to memory that it makes, in order
	jump_table(i)	where a jump through a register goes; nowhere, if it is a call
"""
import bisect
import collections
import os
import re
import subprocess

from rules import Fault

# kind: load, store, lock (a read-modify-write in one piece) or fence. displacements: what may have
# been added to a pointer to get there. order: what it is for other processors: acquire, release,
# "full" for both, or "". narrow: it may look at a part of what the source names.
Access = collections.namedtuple("Access", "kind size displacements order narrow",
				defaults=(0, (), "full", False))


def run(*command):
	done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	if done.returncode:
		raise Fault("%s\n%s" % (" ".join(command), done.stdout))
	return done.stdout


class Instruction:
	"""flow: return, stop (no way on), call, jump, branch (or on), or "" (on)."""
	__slots__ = ("at", "text", "lines", "lock", "name", "operands", "target", "callee", "next",
		     "address", "flow", "role")


class Function:
	def __init__(self, name, begin):
		self.name, self.begin, self.end, self.file = name, begin, begin, ""


class Code:
	"""The disassembly of a library."""
	COMMENT = "#"  # begins one
	HAS_BARRIERS = True  # has an instruction for mp_fence_after_rmw() and mp_write_fence()

	def __init__(self, library, objdump):
		self.library, self.objdump = library, objdump
		self.code, self.functions = {}, []
		self.read_lines()
		self.read(run(self.objdump, "-d", "-l", "--inlines", "--no-show-raw-insn", library))
		self.begins = [function.begin for function in self.functions]
		self.rodata = read_section(self.objdump, ".rodata", library)

	def read(self, listing):
		root = os.getcwd()
		line, chain, last = None, [], None
		head = re.compile(r"([0-9a-f]+) <(.+)>:$")
		place = re.compile(r"(inlined by )?(/\S+|\?\?):(\d+|\?)")
		for text in listing.splitlines():
			if text.startswith(" "):
				fields = text.split("\t", 1)
				if len(fields) != 2:
					continue
				frames = [line] + chain if line else []
				last = self.add(fields[0], fields[1], frames, last)
				chain = []
				continue
			match = head.match(text)
			if match:
				self.functions.append(Function(match[2], int(match[1], 16)))
				line, chain, last = None, [], None
				continue
			match = place.match(text)
			if match:
				where = (os.path.relpath(os.path.normpath(match[2]), root),
					 int(match[3]) if match[3] != "?" else 0)
				if match[1]:
					chain.append(where)
				else:
					line, chain = where, []

	def add(self, at, text, frames, last):
		i = Instruction()
		i.at = int(at.strip().rstrip(":"), 16)
		i.text, _, comment = text.partition(self.COMMENT)
		i.text = i.text.strip()
		i.address = comment.split()[0] if comment.strip() else None
		i.lines = frozenset() if self.has_no_line(i.at) else frozenset(frames)
		i.target = i.callee = i.next = i.role = None
		self.decode(i)
		if last:
			last.next = i.at
		function = self.functions[-1]
		if not function.file and frames:
			function.file = os.path.basename(frames[-1][0])
		function.end = i.at + 1
		self.code[i.at] = i
		return i

	def aim(self, i, operand):
		"""Notes where a call or a jump goes, if the text says it."""
		match = re.match(r"([0-9a-f]+) <([^>+]+)", operand)
		if match:
			i.target, i.callee = int(match[1], 16), match[2]

	def read_lines(self):
		"""The rows of the line table: at line 0 is what was made of no one statement."""
		rows = {}
		table = run(self.objdump, "--dwarf=decodedline", "-w", self.library)
		for match in re.finditer(r"^\S+ +(\d+|-) +(0x[0-9a-f]+)", table, re.M):
			rows[int(match[2], 16)] = match[1]
		self.rows = sorted(rows)
		self.no_line = [rows[at] == "0" for at in self.rows]

	def has_no_line(self, at):
		i = bisect.bisect_right(self.rows, at) - 1
		return i < 0 or self.no_line[i]

	def function_at(self, at):
		return self.functions[bisect.bisect_right(self.begins, at) - 1]

	def within(self, function):
		return [self.code[at] for at in range(function.begin, function.end)
			if at in self.code]

	def before(self, i):
		"""The instructions of its function that stand before it, the nearest first."""
		return reversed([b for b in self.within(self.function_at(i.at)) if b.at < i.at])

	def base(self, at):
		return self.function_at(at).name.split(".")[0]


def read_section(objdump, section, file):
	"""Its bytes, by address."""
	data = {}
	for line in run(objdump, "-s", "-j", section, file).splitlines():
		match = re.match(r" ([0-9a-f]+) ((?:[0-9a-f]+ ){1,4})", line)
		if match:
			part = bytes.fromhex(match[2].replace(" ", ""))
			for n, byte in enumerate(part):
				data[int(match[1], 16) + n] = byte
	return data
