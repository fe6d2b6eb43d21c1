# SPDX-License-Identifier: MIT
"""Code: the disassembly of a library, and of which statements each instruction was made."""
import bisect
import os
import re
import subprocess

from rules import Fault


def run(*command):
	done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
	if done.returncode:
		raise Fault("%s\n%s" % (" ".join(command), done.stdout))
	return done.stdout


class Instruction:
	__slots__ = ("at", "text", "lines", "lock", "name", "operands", "target", "callee", "next",
		     "address")


class Function:
	def __init__(self, name, begin):
		self.name, self.begin, self.end, self.file = name, begin, begin, ""


MEMORY = re.compile(r"(-?0x[0-9a-f]+|)\((%\w*|)[^)]*\)$")
READ_ONLY = re.compile(r"(cmp|test|bt|u?comis|mul|i?div|imul|call|jmp|push|prefetch)")
PREFIXES = ("lock", "notrack", "bnd", "rep", "repz", "repnz")
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


class Code:
	"""The disassembly of a library."""

	def __init__(self, library):
		self.library = library
		self.code, self.functions = {}, []
		self.read_lines()
		self.read(run("objdump", "-d", "-l", "--inlines", "--no-show-raw-insn", library))
		self.begins = [function.begin for function in self.functions]
		self.rodata = self.read_rodata()

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
		i.text, _, comment = text.partition("#")
		i.text = i.text.strip()
		i.address = int(comment.split()[0], 16) if comment else None
		i.lines = frozenset() if self.has_no_line(i.at) else frozenset(frames)
		words = i.text.split(None, 1)
		i.lock = words[0] == "lock"
		while len(words) > 1 and words[0] in PREFIXES:
			words = words[1].split(None, 1)
		i.name = words[0]
		i.operands = split_operands(words[1] if len(words) > 1 else "")
		i.lock = i.lock or i.name == "xchg" and "(" in i.operands[-1]
		i.target = i.callee = i.next = None
		match = re.match(r"([0-9a-f]+) <([^>+]+)", i.operands[0]) if i.operands else None
		if match and (i.name[0] == "j" or i.name == "call"):
			i.target, i.callee = int(match[1], 16), match[2]
		if last:
			last.next = i.at
		function = self.functions[-1]
		if not function.file and frames:
			function.file = os.path.basename(frames[-1][0])
		function.end = i.at + 1
		self.code[i.at] = i
		return i

	def read_lines(self):
		"""The rows of the line table: at line 0 is what was made of no one statement."""
		rows = {}
		table = run("objdump", "--dwarf=decodedline", "-w", self.library)
		for match in re.finditer(r"^\S+ +(\d+|-) +(0x[0-9a-f]+)", table, re.M):
			rows[int(match[2], 16)] = match[1]
		self.rows = sorted(rows)
		self.no_line = [rows[at] == "0" for at in self.rows]

	def has_no_line(self, at):
		i = bisect.bisect_right(self.rows, at) - 1
		return i < 0 or self.no_line[i]

	def read_rodata(self):
		data = {}
		for line in run("objdump", "-s", "-j", ".rodata", self.library).splitlines():
			match = re.match(r" ([0-9a-f]+) ((?:[0-9a-f]+ ){1,4})", line)
			if match:
				part = bytes.fromhex(match[2].replace(" ", ""))
				for n, byte in enumerate(part):
					data[int(match[1], 16) + n] = byte
		return data

	def function_at(self, at):
		return self.functions[bisect.bisect_right(self.begins, at) - 1]

	def within(self, function):
		return [self.code[at] for at in range(function.begin, function.end)
			if at in self.code]

	def jump_table(self, i):
		"""Where a jump through a register goes: its table is the last one named before."""
		function = self.function_at(i.at)
		tables = [lea.address for lea in self.within(function)
			  if lea.at < i.at and lea.name == "lea" and lea.address in self.rodata]
		targets, at = [], tables[-1] if tables else 0
		while at in self.rodata and at + 3 in self.rodata:
			entry = bytes(self.rodata[at + n] for n in range(4))
			target = tables[-1] + int.from_bytes(entry, "little", signed=True)
			if target not in self.code or self.base(target) != self.base(i.at):
				break
			targets.append(target)
			at += 4
		if not targets:
			raise Fault("%x: %s: where to?" % (i.at, i.text))
		return targets

	def base(self, at):
		return self.function_at(at).name.split(".")[0]


def size_of(i):
	suffix = ONE_SUFFIX.get(i.name[-1])
	registers = [o for o in i.operands if o.startswith("%") and "(" not in o]
	if registers and not i.name.startswith("set"):
		return register_size(registers[-1])
	return 1 if i.name.startswith("set") else suffix


def access(i):
	"""What an instruction does to memory that is not the stack: (kind, size, displacement)."""
	memory = [o for o in i.operands if "(" in o]
	if i.name == "mfence" or i.lock and memory and memory[-1].endswith("(%rsp)"):
		return "fence", 0, 0
	if not memory or i.name in ("lea", "call", "jmp") or "nop" in i.text:
		return None
	match = MEMORY.search(memory[-1])
	if not match or match[2] in ("%rsp", "%rip"):
		return None
	stores = i.operands[-1] == memory[-1] or i.name == "xchg"
	kind = "store" if stores and not READ_ONLY.match(i.name) else "load"
	return "lock" if i.lock else kind, size_of(i), int(match[1] or "0", 16)
