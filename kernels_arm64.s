// The loops of the kernels in NEON. kernels_generic.go defines what they compute, and
// kernels_vector.go says what each of them does. A macro with the name of a function there
// computes what that function does. Names are those of kernels_amd64.s where the idea is
// the same.
//
// A panel is 16 columns: four registers of four float32.
//
// Operands are in Go's order, the destination last:
//
//	VFMLA m, n, d     d = d + n·m
//	VFMLS m, n, d     d = d − n·m
//	VBIT m, n, d      d = m ? n : d, bit by bit
//	VBSL m, n, d      d = d ? n : m, bit by bit
//	VCMTST m, n, d    d = all ones in lanes where n and m share a bit
//	VZIP1 m, n, d     d = the low halves of n and m, their lanes in turn; VZIP2: the high halves
//	VUZP1 m, n, d     d = the even lanes of n, then those of m; VUZP2: the odd lanes

#include "go_asm.h"
#include "textflag.h"

// The instructions that Go's assembler lacks, on four 32-bit lanes. They take the numbers
// of registers: a macro that needs both calls a register X and its number x.

// FMLA_LANE adds n·(lane l of m) to d.
#define FMLA_LANE(m, l, n, d) WORD $(0x4f801000 | (((l)&1)<<21) | (((l)>>1)<<11) | ((m)<<16) | ((n)<<5) | (d))

// FADD makes d = n + m.
#define FADD(m, n, d) WORD $(0x4e20d400 | ((m)<<16) | ((n)<<5) | (d))

// FSUB makes d = n − m.
#define FSUB(m, n, d) WORD $(0x4ea0d400 | ((m)<<16) | ((n)<<5) | (d))

// FMUL makes d = n·m.
#define FMUL(m, n, d) WORD $(0x6e20dc00 | ((m)<<16) | ((n)<<5) | (d))

// FDIV makes d = n / m.
#define FDIV(m, n, d) WORD $(0x6e20fc00 | ((m)<<16) | ((n)<<5) | (d))

// FABD makes d = |n − m|.
#define FABD(m, n, d) WORD $(0x6ea0d400 | ((m)<<16) | ((n)<<5) | (d))

// FMAXNM makes d the larger of n and m, or the one that is not a NaN.
#define FMAXNM(m, n, d) WORD $(0x4e20c400 | ((m)<<16) | ((n)<<5) | (d))

// FMAXNMV makes lane 0 of d the largest lane of n.
#define FMAXNMV(n, d) WORD $(0x6e30c800 | ((n)<<5) | (d))

// FCMGT makes d all ones where n > m, else all zeros.
#define FCMGT(m, n, d) WORD $(0x6ea0e400 | ((m)<<16) | ((n)<<5) | (d))

// UCVTF24 makes d = n·2⁻²⁴, n being unsigned integers.
#define UCVTF24(n, d) WORD $(0x6f28e400 | ((n)<<5) | (d))

// UMULL makes d the 64-bit products of lanes 0 and 1 of n and m.
#define UMULL(m, n, d) WORD $(0x2ea0c000 | ((m)<<16) | ((n)<<5) | (d))

// UMULL2 makes d the 64-bit products of lanes 2 and 3 of n and m.
#define UMULL2(m, n, d) WORD $(0x6ea0c000 | ((m)<<16) | ((n)<<5) | (d))

// --- Tiles of dense rows ----------------------------------------------------

// The sums of row i of a tile are V(12+4i) to V(15+4i).

// ROW adds x·(V0, V1, V2, V3), x being lane l of register m, to the four sums from
// register s on.
#define ROW(m, l, s) \
	FMLA_LANE(m, l, 0, s);   \
	FMLA_LANE(m, l, 1, s+1); \
	FMLA_LANE(m, l, 2, s+2); \
	FMLA_LANE(m, l, 3, s+3)

// POINT1 … POINT5 point R9 … R13 to the rows of a tile from R4 on, R5 bytes apart, and
// leave R4 behind them.
#define POINT(P) \
	MOVD R4, P; \
	ADD  R5, R4
#define POINT1 POINT(R9)
#define POINT2 POINT1; POINT(R10)
#define POINT3 POINT2; POINT(R11)
#define POINT4 POINT3; POINT(R12)
#define POINT5 POINT4; POINT(R13)

// FETCH1 … FETCH5 load the next n bytes of each row into V4 … V8 by the instruction GET.
#define FETCH1(GET, n) GET n(R9), F4
#define FETCH2(GET, n) FETCH1(GET, n); GET n(R10), F5
#define FETCH3(GET, n) FETCH2(GET, n); GET n(R11), F6
#define FETCH4(GET, n) FETCH3(GET, n); GET n(R12), F7
#define FETCH5(GET, n) FETCH4(GET, n); GET n(R13), F8

// TERM1 … TERM5 add the term of the unit in lane l to the sums. The weights of the unit in
// lane 0 are at R14.
#define TERM1(l) \
	FLDPQ (64*l)(R14), (F0, F1);    \
	FLDPQ (64*l+32)(R14), (F2, F3); \
	ROW(4, l, 12)
#define TERM2(l) TERM1(l); ROW(5, l, 16)
#define TERM3(l) TERM2(l); ROW(6, l, 20)
#define TERM4(l) TERM3(l); ROW(7, l, 24)
#define TERM5(l) TERM4(l); ROW(8, l, 28)

// LOAD1 … LOAD5 load sums from R2, R3 bytes apart, and leave R2 behind them.
#define LOAD1 VLD1.P (R2)(R3), [V12.S4, V13.S4, V14.S4, V15.S4]
#define LOAD2 LOAD1; VLD1.P (R2)(R3), [V16.S4, V17.S4, V18.S4, V19.S4]
#define LOAD3 LOAD2; VLD1.P (R2)(R3), [V20.S4, V21.S4, V22.S4, V23.S4]
#define LOAD4 LOAD3; VLD1.P (R2)(R3), [V24.S4, V25.S4, V26.S4, V27.S4]
#define LOAD5 LOAD4; VLD1.P (R2)(R3), [V28.S4, V29.S4, V30.S4, V31.S4]

// PLUS0 adds +0 to four sums, as 0·0. V9 is 0.
#define PLUS0(S, T, U, V) \
	VFMLA V9.S4, V9.S4, S.S4; \
	VFMLA V9.S4, V9.S4, T.S4; \
	VFMLA V9.S4, V9.S4, U.S4; \
	VFMLA V9.S4, V9.S4, V.S4

// STORE1 … STORE5 add +0 to sums and store them to R0, R1 bytes apart, and leave R0 behind
// them.
#define STORE(S, T, U, V) \
	PLUS0(S, T, U, V); \
	VST1.P [S.S4, T.S4, U.S4, V.S4], (R0)(R1)
#define STORE1 STORE(V12, V13, V14, V15)
#define STORE2 STORE1; STORE(V16, V17, V18, V19)
#define STORE3 STORE2; STORE(V20, V21, V22, V23)
#define STORE4 STORE3; STORE(V24, V25, V26, V27)
#define STORE5 STORE4; STORE(V28, V29, V30, V31)

// PRODUCT computes R8 tiles over k units, four at a time, and the rest one at a time,
// because nothing beyond a row may be read. Its labels are arguments, because a function
// has one PRODUCT for each height.
#define PRODUCT(POINTS, LOADS, FETCH, TERM, STORES, tile, four, rest, one, done) \
tile:                   \
	LOADS;              \
	POINTS;             \
	MOVD R6, R14;       \
	SUBS $4, R7, R15;   \
	BLT  rest;          \
	PCALIGN $16;        \
four:                   \
	FETCH(FMOVQ.P, 16); \
	TERM(0);            \
	TERM(1);            \
	TERM(2);            \
	TERM(3);            \
	ADD  $256, R14;     \
	SUBS $4, R15;       \
	BGE  four;          \
rest:                   \
	ADDS $4, R15;       \
	BEQ  done;          \
one:                    \
	FETCH(FMOVS.P, 4);  \
	TERM(0);            \
	ADD  $64, R14;      \
	SUBS $1, R15;       \
	BNE  one;           \
done:                   \
	STORES;             \
	SUBS $1, R8;        \
	BNE  tile;          \
	RET

// FETCHY loads 16 upper units from R13.
#define FETCHY \
	FLDPQ (R13), (F0, F1); \
	FLDPQ 32(R13), (F2, F3)

// GRAD1 … GRAD5 add the term of one row to the gradient of a tile: lower units at R12,
// upper units at R13.
#define GRAD1 FETCHY; FMOVS (R12), F4; ROW(4, 0, 12)
#define GRAD2 FETCHY; FMOVD (R12), F4; ROW(4, 0, 12); ROW(4, 1, 16)
#define GRAD3 GRAD2; FMOVS 8(R12), F5; ROW(5, 0, 20)
#define GRAD4 FETCHY; FMOVQ (R12), F4; ROW(4, 0, 12); ROW(4, 1, 16); ROW(4, 2, 20); ROW(4, 3, 24)
#define GRAD5 GRAD4; FMOVS 16(R12), F5; ROW(5, 0, 28)

// ZERO1 … ZERO5 clear sums.
#define ZERO(S, T, U, V) \
	VEOR S.B16, S.B16, S.B16; \
	VEOR T.B16, T.B16, T.B16; \
	VEOR U.B16, U.B16, U.B16; \
	VEOR V.B16, V.B16, V.B16
#define ZERO1 ZERO(V12, V13, V14, V15)
#define ZERO2 ZERO1; ZERO(V16, V17, V18, V19)
#define ZERO3 ZERO2; ZERO(V20, V21, V22, V23)
#define ZERO4 ZERO3; ZERO(V24, V25, V26, V27)
#define ZERO5 ZERO4; ZERO(V28, V29, V30, V31)

// MOVE moves the 16 weights at A by the gradient S, T, U and V, and leaves A behind them.
// The pull is V4 to V7, the rate V8, and V9 is 0. It uses V0 to V3.
#define MOVE(A, S, T, U, V) \
	VLD1   (A), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	PLUS0(S, T, U, V);                        \
	VFMLS  V4.S4, V0.S4, S.S4;                \
	VFMLS  V5.S4, V1.S4, T.S4;                \
	VFMLS  V6.S4, V2.S4, U.S4;                \
	VFMLS  V7.S4, V3.S4, V.S4;                \
	VFMLA  V8.S4, S.S4, V0.S4;                \
	VFMLA  V8.S4, T.S4, V1.S4;                \
	VFMLA  V8.S4, U.S4, V2.S4;                \
	VFMLA  V8.S4, V.S4, V3.S4;                \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(A)

// MOVE1 … MOVE5 move the weights of a tile, at R0, and leave R0 behind them. The pull is V4
// to V7.
#define MOVE1 MOVE(R0, V12, V13, V14, V15)
#define MOVE2 MOVE1; MOVE(R0, V16, V17, V18, V19)
#define MOVE3 MOVE2; MOVE(R0, V20, V21, V22, V23)
#define MOVE4 MOVE3; MOVE(R0, V24, V25, V26, V27)
#define MOVE5 MOVE4; MOVE(R0, V28, V29, V30, V31)

// LEARN learns R7 tiles of H units from all rows.
#define LEARN(H, ZEROS, GRAD, MOVES, tile, next) \
tile:                                         \
	MOVD  R1, R12;                            \
	MOVD  R3, R13;                            \
	MOVD  R5, R14;                            \
	ZEROS;                                    \
	PCALIGN $16;                              \
next:                                         \
	GRAD;                                     \
	ADD   R2, R12;                            \
	ADD   R4, R13;                            \
	SUBS  $1, R14;                            \
	BNE   next;                               \
	VLD1  (R6), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVES;                                    \
	ADD   $(4*H), R1;                         \
	SUBS  $1, R7;                             \
	BNE   tile;                               \
	RET

// --- Lists of nonzeros ------------------------------------------------------

// UNIT1 and UNIT4 add the weights of the next unit of a list to the sums of one panel and of
// four. Its index is at R4 and its value at R5. Panels are R10 bytes apart, from R7 on, and
// a unit has 64 bytes in each. They use R9.
#define UNIT1 \
	MOVW.P  4(R4), R9;                               \
	FMOVS.P 4(R5), F10;                              \
	ADD     R9<<6, R7, R9;                           \
	VLD1.P  (R9)(R10), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 12)
#define UNIT4 \
	UNIT1;                                           \
	VLD1.P  (R9)(R10), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 16);                                  \
	VLD1.P  (R9)(R10), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 20);                                  \
	VLD1.P  (R9)(R10), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 24)

// NONZERO follows the list of a row: R6 units.
#define NONZERO(LOADS, UNITS, STORES, next) \
	LOADS;       \
	PCALIGN $16; \
next:            \
	UNITS;       \
	SUBS $1, R6; \
	BNE  next;   \
	STORES;      \
	RET

// UPPER1 and UPPER4 add the upper units of the next row of a list to the gradient in one
// panel and in four. Its index is at R4 and its value at R5. Rows are R8 bytes, from R7 on.
// They use R9.
#define UPPER1 \
	MOVW.P  4(R4), R9;                            \
	FMOVS.P 4(R5), F10;                           \
	MADD    R8, R7, R9, R9;                       \
	VLD1.P  64(R9), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 12)
#define UPPER4 \
	UPPER1;                                       \
	VLD1.P  64(R9), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 16);                               \
	VLD1.P  64(R9), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 20);                               \
	VLD1.P  64(R9), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	ROW(10, 0, 24)

// MOVEUNIT1 and MOVEUNIT4 move the weights of a unit in one panel and in four, and leave the
// pointers to them at the next unit. The pull is at R3.
#define MOVEUNIT1 \
	VLD1   (R3), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVE(R0, V12, V13, V14, V15)
#define MOVEUNIT4 \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVE(R0, V12, V13, V14, V15);                \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVE(R13, V16, V17, V18, V19);               \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVE(R14, V20, V21, V22, V23);               \
	VLD1.P 64(R3), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	MOVE(R15, V24, V25, V26, V27);               \
	SUB    $256, R3

// LEARN_NONZERO follows the lists of units, each from R9 to the number at R1.
#define LEARN_NONZERO(ZEROS, UPPERS, MOVES, unit, next, move) \
unit:                  \
	MOVW.P 4(R1), R10; \
	ZEROS;             \
	SUBS R9, R10, R11; \
	BEQ  move;         \
	PCALIGN $16;       \
next:                  \
	UPPERS;            \
	SUBS $1, R11;      \
	BNE  next;         \
move:                  \
	MOVES;             \
	MOVD R10, R9;      \
	SUBS $1, R6;       \
	BNE  unit;         \
	RET

// --- Products and gradients -------------------------------------------------

// CASE jumps to a label if R9, the height of tiles, is H.
#define CASE(H, label) \
	CMP  $H, R9; \
	BEQ  label

// func productNEON(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
//	w *float32, panelStride, k, tiles int)
//
//	R0, R1     out, its stride
//	R2, R3     start, its stride
//	R4, R5     the row of x below the tile, the stride
//	R9 to R13  the next units of each row
//	R6, R14    w, the next weights
//	R7, R15    k, units left
//	R8         tiles left
//	V9         0
TEXT ·productNEON(SB), NOSPLIT, $0-88
	MOVD height+0(FP), R9
	MOVD out+8(FP), R0
	MOVD outStride+16(FP), R1
	MOVD start+24(FP), R2
	MOVD startStride+32(FP), R3
	MOVD x+40(FP), R4
	MOVD xStride+48(FP), R5
	MOVD w+56(FP), R6
	MOVD k+72(FP), R7
	MOVD tiles+80(FP), R8
	LSL $2, R1
	LSL $2, R3
	LSL $2, R5
	VEOR V9.B16, V9.B16, V9.B16
	CASE(5, tile5)
	CASE(4, tile4)
	CASE(3, tile3)
	CASE(2, tile2)
	PRODUCT(POINT1, LOAD1, FETCH1, TERM1, STORE1, tile1, four1, rest1, one1, done1)
	PRODUCT(POINT2, LOAD2, FETCH2, TERM2, STORE2, tile2, four2, rest2, one2, done2)
	PRODUCT(POINT3, LOAD3, FETCH3, TERM3, STORE3, tile3, four3, rest3, one3, done3)
	PRODUCT(POINT4, LOAD4, FETCH4, TERM4, STORE4, tile4, four4, rest4, one4, done4)
	PRODUCT(POINT5, LOAD5, FETCH5, TERM5, STORE5, tile5, four5, rest5, one5, done5)

// func learnNEON(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
//	pull *float32, rate float32, tiles int)
//
//	R0        the weights of the tile
//	R1, R2    its units in row 0 of x, the stride
//	R3, R4    row 0 of y, the stride
//	R12, R13  the same in the next row
//	R5, R14   rows, rows left
//	R6        pull
//	R7        tiles left
//	V8, V9    the rate, 0
TEXT ·learnNEON(SB), NOSPLIT, $0-88
	MOVD height+0(FP), R9
	MOVD w+8(FP), R0
	MOVD x+24(FP), R1
	MOVD xStride+32(FP), R2
	MOVD y+40(FP), R3
	MOVD yStride+48(FP), R4
	MOVD rows+56(FP), R5
	MOVD pull+64(FP), R6
	FMOVS rate+72(FP), F8
	MOVD tiles+80(FP), R7
	LSL $2, R2
	LSL $2, R4
	VDUP V8.S[0], V8.S4
	VEOR V9.B16, V9.B16, V9.B16
	CASE(5, tile5)
	CASE(4, tile4)
	CASE(3, tile3)
	CASE(2, tile2)
	LEARN(1, ZERO1, GRAD1, MOVE1, tile1, next1)
	LEARN(2, ZERO2, GRAD2, MOVE2, tile2, next2)
	LEARN(3, ZERO3, GRAD3, MOVE3, tile3, next3)
	LEARN(4, ZERO4, GRAD4, MOVE4, tile4, next4)
	LEARN(5, ZERO5, GRAD5, MOVE5, tile5, next5)

// func nonzeroNEON(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)
//
//	R0, R1   out, the stride of panels in it
//	R2, R3   start, the same
//	R4, R5   the next index and value
//	R6       nonzeros left
//	R7, R10  w, the stride of panels
//	V9       0
TEXT ·nonzeroNEON(SB), NOSPLIT, $0-64
	MOVD panels+0(FP), R8
	MOVD out+8(FP), R0
	MOVD start+16(FP), R2
	MOVD index+24(FP), R4
	MOVD value+32(FP), R5
	MOVD n+40(FP), R6
	MOVD w+48(FP), R7
	MOVD panelStride+56(FP), R10
	LSL $2, R10
	MOVD $64, R1
	MOVD $64, R3
	VEOR V9.B16, V9.B16, V9.B16
	CMP $4, R8
	BEQ four
	NONZERO(LOAD1, UNIT1, STORE1, next1)
four:
	NONZERO(LOAD4, UNIT4, STORE4, next4)

// func learnNonzeroNEON(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
//	pull *float32, rate float32, units int)
//
//	R1                 start
//	R4, R5             the next index and value
//	R9, R10            where the list begins, where it ends
//	R11, R6            rows of the list left, units left
//	R0, R13, R14, R15  the weights of the unit in each panel
//	R7, R8             y, its stride
//	R3                 pull
//	V8, V9             the rate, 0
TEXT ·learnNonzeroNEON(SB), NOSPLIT, $0-88
	MOVD panels+0(FP), R11
	MOVD w+8(FP), R0
	MOVD panelStride+16(FP), R12
	MOVD start+24(FP), R1
	MOVD index+32(FP), R4
	MOVD value+40(FP), R5
	MOVD y+48(FP), R7
	MOVD yStride+56(FP), R8
	MOVD pull+64(FP), R3
	FMOVS rate+72(FP), F8
	MOVD units+80(FP), R6
	LSL $2, R8
	ADD R12<<2, R0, R13
	ADD R12<<2, R13, R14
	ADD R12<<2, R14, R15
	VDUP V8.S[0], V8.S4
	VEOR V9.B16, V9.B16, V9.B16
	MOVW.P 4(R1), R9
	ADD R9<<2, R4
	ADD R9<<2, R5
	CMP $4, R11
	BEQ unit4
	LEARN_NONZERO(ZERO1, UPPER1, MOVEUNIT1, unit1, next1, move1)
	LEARN_NONZERO(ZERO4, UPPER4, MOVEUNIT4, unit4, next4, move4)

// --- Sigmoid, softplus and sampling -----------------------------------------

// The constants in registers, in all lanes, and the numbers of some.
#define SIGN   V16
#define LOG2E  V17
#define ROUNDS V18
#define LN2HI  V19
#define LN2LO  V20
#define EXPC6  V21
#define EXPC5  V22
#define EXPC4  V23
#define EXPC3  V24
#define EXPC2  V25
#define ONE    V26
#define EXPLOW V27
#define rounds 18
#define one    26
#define explow 27

// CONSTANTS loads them and points R20 to kernels_constants.go.
#define CONSTANTS \
	MOVD $·constants(SB), R20;       \
	FMOVQ constant_sign(R20), F16;   \
	FMOVQ constant_log2e(R20), F17;  \
	FMOVQ constant_rounds(R20), F18; \
	FMOVQ constant_ln2Hi(R20), F19;  \
	FMOVQ constant_ln2Lo(R20), F20;  \
	FMOVQ constant_expC6(R20), F21;  \
	FMOVQ constant_expC5(R20), F22;  \
	FMOVQ constant_expC4(R20), F23;  \
	FMOVQ constant_expC3(R20), F24;  \
	FMOVQ constant_expC2(R20), F25;  \
	FMOVQ constant_one(R20), F26;    \
	FMOVQ constant_expLow(R20), F27

// SIGMOID makes V0 to V3 their sigmoids. Each step is taken on all four, which do not wait
// for one another. It uses V4 to V15 and V29.
#define SIGMOID \
	EACH(REDUCE);                   \
	EACH(POLYNOMIAL);               \
	VEOR V29.B16, V29.B16, V29.B16; \
	EACH(LOW);                      \
	EACH(QUOTIENT)

// EACH takes a step on V0 to V3, with three registers T, E and S for each.
#define EACH(STEP) \
	STEP(V0, V4, V8, V12, 0, 4, 8, 12);   \
	STEP(V1, V5, V9, V13, 1, 5, 9, 13);   \
	STEP(V2, V6, V10, V14, 2, 6, 10, 14); \
	STEP(V3, V7, V11, V15, 3, 7, 11, 15)

// REDUCE makes S = 2ⁿ and T = z − n·ln 2.
#define REDUCE(X, T, E, S, x, t, e, s) \
	VORR  SIGN.B16, X.B16, T.B16;  /* z = −|x| */          \
	VMOV  ROUNDS.B16, S.B16;                               \
	VFMLA LOG2E.S4, T.S4, S.S4;    /* n in the low bits */ \
	FSUB(rounds, s, e);            /* n */                 \
	VSHL  $23, S.S4, S.S4;         /* 2ⁿ */                \
	VFMLS LN2HI.S4, E.S4, T.S4;                            \
	VFMLS LN2LO.S4, E.S4, T.S4

// POLYNOMIAL makes E = exp(T).
#define POLYNOMIAL(X, T, E, S, x, t, e, s) \
	VMOV  EXPC5.B16, V29.B16;     \
	VFMLA EXPC6.S4, T.S4, V29.S4; \
	VMOV  EXPC4.B16, E.B16;       \
	VFMLA V29.S4, T.S4, E.S4;     \
	VMOV  EXPC3.B16, V29.B16;     \
	VFMLA E.S4, T.S4, V29.S4;     \
	VMOV  EXPC2.B16, E.B16;       \
	VFMLA V29.S4, T.S4, E.S4;     \
	VMOV  ONE.B16, V29.B16;       \
	VFMLA E.S4, T.S4, V29.S4;     \
	VMOV  ONE.B16, E.B16;         \
	VFMLA V29.S4, T.S4, E.S4

// LOW makes E = exp(z) from E·S, or 0 where z < −87. V29 is 0.
#define LOW(X, T, E, S, x, t, e, s) \
	FMUL(s, e, e);                                \
	VORR   SIGN.B16, X.B16, T.B16;                \
	FCMGT(t, explow, t);            /* z < −87 */ \
	VBIT   T.B16, V29.B16, E.B16

// QUOTIENT makes X its sigmoid from E.
#define QUOTIENT(X, T, E, S, x, t, e, s) \
	FADD(one, e, t);                                    \
	VCMTST SIGN.S4, X.S4, X.S4;                         \
	VBSL   ONE.B16, E.B16, X.B16;   /* x < 0 ? e : 1 */ \
	FDIV(t, x, x)

// SOFTPLUS makes V0 to V3 their softplus. It uses V4 to V15, V28 and V29.
#define SOFTPLUS \
	EACH(REDUCE);                   \
	EACH(POLYNOMIAL);               \
	VEOR V29.B16, V29.B16, V29.B16; \
	EACH(LOW);                      \
	FMOVQ constant_logC8(R20), F28; \
	EACH(FIRST_T);                  \
	FMOVQ constant_logC7(R20), F28; \
	EACH(NEXT_S);                   \
	FMOVQ constant_logC6(R20), F28; \
	EACH(NEXT_T);                   \
	FMOVQ constant_logC5(R20), F28; \
	EACH(NEXT_S);                   \
	FMOVQ constant_logC4(R20), F28; \
	EACH(NEXT_T);                   \
	FMOVQ constant_logC3(R20), F28; \
	EACH(NEXT_S);                   \
	FMOVQ constant_logC2(R20), F28; \
	EACH(NEXT_T);                   \
	FMOVQ constant_logC1(R20), F28; \
	EACH(NEXT_S);                   \
	VMOV ONE.B16, V28.B16;          \
	EACH(NEXT_T);                   \
	EACH(TOGETHER)

// FIRST_T, NEXT_S and NEXT_T are the steps of a polynomial in E, whose next coefficient is
// V28: T is the first, then S = V28 + E·T and T = V28 + E·S in turn.
#define FIRST_T(X, T, E, S, x, t, e, s) \
	VMOV V28.B16, T.B16
#define NEXT_S(X, T, E, S, x, t, e, s) \
	VMOV  V28.B16, S.B16; \
	VFMLA E.S4, T.S4, S.S4
#define NEXT_T(X, T, E, S, x, t, e, s) \
	VMOV  V28.B16, T.B16; \
	VFMLA E.S4, S.S4, T.S4

// TOGETHER makes X = max(X, 0) + E·T. V29 is 0.
#define TOGETHER(X, T, E, S, x, t, e, s) \
	FMAXNM(29, x, x); \
	VFMLA E.S4, T.S4, X.S4

// CHANGED raises the largest changes, register 30, to |x − old|. A NaN changes nothing. It
// destroys old.
#define CHANGED(old, x) \
	FABD(old, x, old); \
	FMAXNM(old, 30, 30)

// func sigmoidNEON(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)
//
//	R0, R1    the row of out, the stride
//	R2, R3    the row of pre, the stride
//	R11, R12  the panel of each
//	R4        rows left
//	R5, R13   panels, panels left
//	R6, V30   change, the largest of the row in four lanes
TEXT ·sigmoidNEON(SB), NOSPLIT, $0-56
	MOVD out+0(FP), R0
	MOVD outStride+8(FP), R1
	MOVD pre+16(FP), R2
	MOVD preStride+24(FP), R3
	MOVD rows+32(FP), R4
	MOVD panels+40(FP), R5
	MOVD change+48(FP), R6
	LSL $2, R1
	LSL $2, R3
	CONSTANTS
row:
	MOVD R0, R11
	MOVD R2, R12
	MOVD R5, R13
	FMOVS (R6), F30
panel:
	VLD1.P 64(R12), [V0.S4, V1.S4, V2.S4, V3.S4]
	SIGMOID
	VLD1 (R11), [V4.S4, V5.S4, V6.S4, V7.S4]
	CHANGED(4, 0)
	CHANGED(5, 1)
	CHANGED(6, 2)
	CHANGED(7, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R11)
	SUBS $1, R13
	BNE panel
	FMAXNMV(30, 30)
	FMOVS.P F30, 4(R6)
	ADD R1, R0
	ADD R3, R2
	SUBS $1, R4
	BNE row
	RET

// PHILOX is a round of Philox on four counters, whose words are V4 to V7. The key is V8 and
// V9, which V30 and V31 are added to; the multipliers are V14 and V15. It uses V10 to V13.
#define PHILOX \
	UMULL(14, 4, 10);             \
	UMULL2(14, 4, 11);            \
	UMULL(15, 6, 12);             \
	UMULL2(15, 6, 13);            \
	VUZP2 V13.S4, V12.S4, V4.S4;  \
	VEOR  V5.B16, V4.B16, V4.B16; \
	VEOR  V8.B16, V4.B16, V4.B16; \
	VUZP1 V13.S4, V12.S4, V5.S4;  \
	VUZP2 V11.S4, V10.S4, V6.S4;  \
	VEOR  V7.B16, V6.B16, V6.B16; \
	VEOR  V9.B16, V6.B16, V6.B16; \
	VUZP1 V11.S4, V10.S4, V7.S4;  \
	VADD  V30.S4, V8.S4, V8.S4;   \
	VADD  V31.S4, V9.S4, V9.S4

// BERNOULLI makes P 1 where the uniform number of word W is below P, else 0.
#define BERNOULLI(W, P, w, p) \
	VUSHR $8, W.S4, W.S4; \
	UCVTF24(w, w);        \
	FCMGT(w, p, p);       \
	VAND  ONE.B16, P.B16, P.B16

// func sampleNEON(out *float32, outStride int, pre *float32, preStride, rows, panels int,
//	key0, key1, counter, row, update, tag uint32)
//
//	R0, R1           the row of out, the stride
//	R2, R3           the row of pre, the stride
//	R11, R12         the panel of each
//	R4               rows left
//	R5, R13          panels, panels left
//	R14, R6, R7, R8  the words of the first of four counters
//	V28              0 to 3, added to word 0 of each
//	R9, R10          the key
//	R15, R19         the multipliers
TEXT ·sampleNEON(SB), NOSPLIT, $0-72
	MOVD out+0(FP), R0
	MOVD outStride+8(FP), R1
	MOVD pre+16(FP), R2
	MOVD preStride+24(FP), R3
	MOVD rows+32(FP), R4
	MOVD panels+40(FP), R5
	MOVWU row+60(FP), R6
	MOVWU update+64(FP), R7
	MOVWU tag+68(FP), R8
	MOVWU key0+48(FP), R9
	MOVWU key1+52(FP), R10
	LSL $2, R1
	LSL $2, R3
	CONSTANTS
	MOVWU constant_philoxM0(R20), R15
	MOVWU constant_philoxM1(R20), R19
	MOVWU constant_philoxW0(R20), R21
	MOVWU constant_philoxW1(R20), R22
	VDUP R21, V30.S4
	VDUP R22, V31.S4
	FMOVQ constant_iota32(R20), F28
row:
	MOVD R0, R11
	MOVD R2, R12
	MOVD R5, R13
	MOVWU counter+56(FP), R14
panel:
	VLD1.P 64(R12), [V0.S4, V1.S4, V2.S4, V3.S4]
	SIGMOID
	VDUP R14, V4.S4
	VADD V28.S4, V4.S4, V4.S4
	VDUP R6, V5.S4
	VDUP R7, V6.S4
	VDUP R8, V7.S4
	VDUP R9, V8.S4
	VDUP R10, V9.S4
	VDUP R15, V14.S4
	VDUP R19, V15.S4
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	PHILOX
	VZIP1 V5.S4, V4.S4, V8.S4   // units 0 to 3
	VZIP2 V5.S4, V4.S4, V9.S4   // units 4 to 7
	VZIP1 V7.S4, V6.S4, V10.S4  // units 8 to 11
	VZIP2 V7.S4, V6.S4, V11.S4  // units 12 to 15
	BERNOULLI(V8, V0, 8, 0)
	BERNOULLI(V9, V1, 9, 1)
	BERNOULLI(V10, V2, 10, 2)
	BERNOULLI(V11, V3, 11, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R11)
	ADD $4, R14
	SUBS $1, R13
	BNE panel
	ADD $1, R6
	ADD R1, R0
	ADD R3, R2
	SUBS $1, R4
	BNE row
	RET

// func softplusNEON(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)
//
//	R0, R1, R2, R3  pre, a, to, from
//	R4              panels left
//	R5              sums
//	R6              room for one softplus
TEXT ·softplusNEON(SB), NOSPLIT, $64-56
	MOVD pre+0(FP), R0
	MOVD a+8(FP), R1
	MOVD to+16(FP), R2
	MOVD from+24(FP), R3
	MOVD panels+40(FP), R4
	MOVD sums+48(FP), R5
	MOVD $first-64(SP), R6
	CONSTANTS
panel:
	FMOVS betaTo+32(FP), F30
	VDUP V30.S[0], V30.S4
	VLD1 (R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMLA V4.S4, V30.S4, V0.S4
	VFMLA V5.S4, V30.S4, V1.S4
	VFMLA V6.S4, V30.S4, V2.S4
	VFMLA V7.S4, V30.S4, V3.S4
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SOFTPLUS
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R6)
	FMOVS betaFrom+36(FP), F30
	VDUP V30.S[0], V30.S4
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMLA V4.S4, V30.S4, V0.S4
	VFMLA V5.S4, V30.S4, V1.S4
	VFMLA V6.S4, V30.S4, V2.S4
	VFMLA V7.S4, V30.S4, V3.S4
	SOFTPLUS
	VLD1 (R6), [V4.S4, V5.S4, V6.S4, V7.S4]
	FSUB(0, 4, 4)
	FSUB(1, 5, 5)
	FSUB(2, 6, 6)
	FSUB(3, 7, 7)
	VLD1 (R5), [V8.S4, V9.S4, V10.S4, V11.S4]
	FADD(4, 8, 8)
	FADD(5, 9, 9)
	FADD(6, 10, 10)
	FADD(7, 11, 11)
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R5)
	SUBS $1, R4
	BNE panel
	RET

// --- Squares and transposition ----------------------------------------------

// SQUARE adds the squares of the next row of R1 to the sums S, T, U and V of a lane. It uses A
// to D.
#define SQUARE(A, B, C, D, S, T, U, V) \
	VLD1.P 64(R1), [A.S4, B.S4, C.S4, D.S4]; \
	VFMLA  A.S4, A.S4, S.S4;                 \
	VFMLA  B.S4, B.S4, T.S4;                 \
	VFMLA  C.S4, C.S4, U.S4;                 \
	VFMLA  D.S4, D.S4, V.S4

// LANES adds lanes 1 to 3 of a sum of squares, registers s+4, s+8 and s+12, to lane 0.
#define LANES(s) \
	FADD(s+4, s, s);      \
	FADD(s+12, s+8, s+8); \
	FADD(s+8, s, s)

// func squaresNEON(sums, w *float32, rows int)
//
//	R0          sums
//	R1          the next row of w
//	R2          rows left
//	V16 to V31  the four lanes
TEXT ·squaresNEON(SB), NOSPLIT, $0-24
	MOVD sums+0(FP), R0
	MOVD w+8(FP), R1
	MOVD rows+16(FP), R2
	ZERO5
	PCALIGN $16
next:
	SQUARE(V0, V1, V2, V3, V16, V17, V18, V19)
	SQUARE(V4, V5, V6, V7, V20, V21, V22, V23)
	SQUARE(V8, V9, V10, V11, V24, V25, V26, V27)
	SQUARE(V12, V13, V14, V15, V28, V29, V30, V31)
	SUBS $4, R2
	BNE next
	LANES(16)
	LANES(17)
	LANES(18)
	LANES(19)
	VST1 [V16.S4, V17.S4, V18.S4, V19.S4], (R0)
	RET

// TURN transposes four rows × four columns, A to D, to d of R0.
#define TURN(A, B, C, D, d) \
	VZIP1 B.S4, A.S4, V16.S4;     \
	VZIP2 B.S4, A.S4, V17.S4;     \
	VZIP1 D.S4, C.S4, V18.S4;     \
	VZIP2 D.S4, C.S4, V19.S4;     \
	VZIP1 V18.D2, V16.D2, V20.D2; \
	VZIP2 V18.D2, V16.D2, V21.D2; \
	VZIP1 V19.D2, V17.D2, V22.D2; \
	VZIP2 V19.D2, V17.D2, V23.D2; \
	FMOVQ F20, (d+0)(R0);         \
	FMOVQ F21, (d+64)(R0);        \
	FMOVQ F22, (d+128)(R0);       \
	FMOVQ F23, (d+192)(R0)

// BAND transposes the next four rows of R2 to four columns at d of R0.
#define BAND(d) \
	VLD1.P 64(R2), [V0.S4, V1.S4, V2.S4, V3.S4];     \
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4];     \
	VLD1.P 64(R2), [V8.S4, V9.S4, V10.S4, V11.S4];   \
	VLD1.P 64(R2), [V12.S4, V13.S4, V14.S4, V15.S4]; \
	TURN(V0, V4, V8, V12, d);                        \
	TURN(V1, V5, V9, V13, d+256);                    \
	TURN(V2, V6, V10, V14, d+512);                   \
	TURN(V3, V7, V11, V15, d+768)

// func transposeNEON(dst *float32, dstStride int, src *float32, blocks int)
//
//	R0, R1  where the block goes, the stride
//	R2      the next rows of the block
//	R3      blocks left
TEXT ·transposeNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD dstStride+8(FP), R1
	MOVD src+16(FP), R2
	MOVD blocks+24(FP), R3
	LSL $2, R1
block:
	BAND(0)
	BAND(16)
	BAND(32)
	BAND(48)
	ADD R1, R0
	SUBS $1, R3
	BNE block
	RET

// --- Vectors ----------------------------------------------------------------

// func biasNEON(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)
//
//	R0, R2   the panel of b and of x
//	R12, R3  the next row of x, the stride
//	R4, R13  scale, the next of it
//	R1       panels left
//	R5, R14  rows, rows left
//	V8, V9   the rate, 0
TEXT ·biasNEON(SB), NOSPLIT, $0-52
	MOVD b+0(FP), R0
	MOVD panels+8(FP), R1
	MOVD x+16(FP), R2
	MOVD stride+24(FP), R3
	MOVD scale+32(FP), R4
	MOVD rows+40(FP), R5
	FMOVS rate+48(FP), F8
	LSL $2, R3
	VDUP V8.S[0], V8.S4
	VEOR V9.B16, V9.B16, V9.B16
panel:
	MOVD R2, R12
	MOVD R4, R13
	MOVD R5, R14
	ZERO1
next:
	FMOVS.P 4(R13), F4
	VLD1.P (R12)(R3), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROW(4, 0, 12)
	SUBS $1, R14
	BNE next
	PLUS0(V12, V13, V14, V15)
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VFMLA V8.S4, V12.S4, V0.S4
	VFMLA V8.S4, V13.S4, V1.S4
	VFMLA V8.S4, V14.S4, V2.S4
	VFMLA V8.S4, V15.S4, V3.S4
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	ADD $64, R2
	SUBS $1, R1
	BNE panel
	RET

// func scaleNEON(dst, src *float32, panels int, by float32)
//
//	R0, R1  dst, src
//	R2      panels left
//	V4      by
TEXT ·scaleNEON(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD panels+16(FP), R2
	FMOVS by+24(FP), F4
	VDUP V4.S[0], V4.S4
next:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMUL(4, 0, 0)
	FMUL(4, 1, 1)
	FMUL(4, 2, 2)
	FMUL(4, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $1, R2
	BNE next
	RET
