/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks the stretch of a program that is measured, for a plugin that watches the
 * emulated processor: instructions that do nothing, with operands that no
 * compiler makes.
 */
#ifndef VHOST_FS_BENCH_MARKER_H
#define VHOST_FS_BENCH_MARKER_H

/* nopl OPERAND(%rax), with an operand of four bytes. */
#define MARKER_OPCODE	"\x0f\x1f\x80"
#define MARKER_LENGTH	7
#define MARKER_BEGIN	0x31474542
#define MARKER_END	0x31444e45

#ifdef __x86_64__
#define MARK(operand)	__asm__ volatile("nopl %c0(%%rax)" : : "i"(operand) : "memory")
#else
#define MARK(operand)	((void)(operand))
#endif

#endif /* VHOST_FS_BENCH_MARKER_H */
