// The loops of the kernels in AVX-512 (F and DQ). kernels_generic.go defines what they
// compute, and kernels_vector.go says what each of them does. A macro with the name of a
// function there computes what that function does. Names are those of kernels_amd64.s,
// which does the same with half as many lanes.
//
// A panel is 16 columns: one register.
//
// Operands are in Go's order, the destination last:
//
//	VSUBPS b, a, d             d = a − b, and so for the other operations
//	VPANDND b, a, d            d = b &^ a
//	VFMADD231PS a, b, d        d = a·b + d
//	VFNMADD231PS a, b, d       d = d − a·b
//	VFMADD213PS a, b, d        d = b·d + a
//	VCMPPS LT_OQ, b, a, K      K = a < b
//	VBLENDMPS b, a, K, d       d = K ? b : a
//	VMULPS.Z b, a, K, d        d = K ? a·b : 0

#include "go_asm.h"
#include "textflag.h"

// SPREAD fills Z with the constant c of kernels_constants.go.
#define SPREAD(c, Z) VBROADCASTSS ·constants+c(SB), Z

// Comparisons.
#define LT_OQ  $17 // less than; false for a NaN
#define NLT_UQ $21 // not less than; true for a NaN
#define NEQ_UQ $4  // not equal; true for a NaN

// Selections of lanes.
#define SWAP2 $0x4e   // VPSHUFD: swaps the halves of four lanes
#define SWAP1 $0xb1   // VPSHUFD: swaps neighbours
#define EVENS $0xa0   // VPSHUFD: copies each even lane to the odd one after it
#define HALF2 $0xee   // VSHUFF64X2: joins the upper halves of two registers
#define ODD   $0xaaaa // a mask: the odd lanes

// XOR3 makes VPTERNLOGD the exclusive or of three numbers.
#define XOR3 $0x96

// --- Tiles of dense rows ----------------------------------------------------

// The sums of row i of a tile are Z(6+2i) and Z(7+2i), one for each panel.

// ROW adds x·(Z0, Z1), x being at address X, to the sums S and T. It uses B.
#define ROW(X, B, S, T) \
	VBROADCASTSS X, B;     \
	VFMADD231PS  Z0, B, S; \
	VFMADD231PS  Z1, B, T

// TERM1 … TERM13 add the term of unit d to the sums: weights at BX and, in the second
// panel, DX bytes on; rows 0 to 4 at R12, rows 5 to 9 at R13 and rows 10 to 12 at R15, R10
// bytes apart. R11 is 3·R10.
#define TERM1(d) \
	VMOVUPS (64*d)(BX), Z0;       \
	VMOVUPS (64*d)(BX)(DX*1), Z1; \
	ROW((4*d)(R12), Z2, Z6, Z7)
#define TERM2(d) TERM1(d); ROW((4*d)(R12)(R10*1), Z3, Z8, Z9)
#define TERM3(d) TERM2(d); ROW((4*d)(R12)(R10*2), Z4, Z10, Z11)
#define TERM4(d) TERM3(d); ROW((4*d)(R12)(R11*1), Z5, Z12, Z13)
#define TERM5(d) TERM4(d); ROW((4*d)(R12)(R10*4), Z2, Z14, Z15)
#define TERM6(d) TERM5(d); ROW((4*d)(R13), Z3, Z16, Z17)
#define TERM7(d) TERM6(d); ROW((4*d)(R13)(R10*1), Z4, Z18, Z19)
#define TERM8(d) TERM7(d); ROW((4*d)(R13)(R10*2), Z5, Z20, Z21)
#define TERM9(d) TERM8(d); ROW((4*d)(R13)(R11*1), Z2, Z22, Z23)
#define TERM10(d) TERM9(d); ROW((4*d)(R13)(R10*4), Z3, Z24, Z25)
#define TERM11(d) TERM10(d); ROW((4*d)(R15), Z4, Z26, Z27)
#define TERM12(d) TERM11(d); ROW((4*d)(R15)(R10*1), Z5, Z28, Z29)
#define TERM13(d) TERM12(d); ROW((4*d)(R15)(R10*2), Z2, Z30, Z31)

// LOAD1 … LOAD13 load sums from SI, R9 bytes apart, and leave SI behind them.
#define LOAD(S, T) \
	VMOVUPS (SI), S;   \
	VMOVUPS 64(SI), T; \
	ADDQ    R9, SI
#define LOAD1 LOAD(Z6, Z7)
#define LOAD2 LOAD1; LOAD(Z8, Z9)
#define LOAD3 LOAD2; LOAD(Z10, Z11)
#define LOAD4 LOAD3; LOAD(Z12, Z13)
#define LOAD5 LOAD4; LOAD(Z14, Z15)
#define LOAD6 LOAD5; LOAD(Z16, Z17)
#define LOAD7 LOAD6; LOAD(Z18, Z19)
#define LOAD8 LOAD7; LOAD(Z20, Z21)
#define LOAD9 LOAD8; LOAD(Z22, Z23)
#define LOAD10 LOAD9; LOAD(Z24, Z25)
#define LOAD11 LOAD10; LOAD(Z26, Z27)
#define LOAD12 LOAD11; LOAD(Z28, Z29)
#define LOAD13 LOAD12; LOAD(Z30, Z31)

// STORE1 … STORE13 add +0 to sums and store them to DI, R8 bytes apart, and leave DI
// behind them. Z0 is 0.
#define STORE(S, T) \
	VADDPS  Z0, S, S;  \
	VADDPS  Z0, T, T;  \
	VMOVUPS S, (DI);   \
	VMOVUPS T, 64(DI); \
	ADDQ    R8, DI
#define STORE1 STORE(Z6, Z7)
#define STORE2 STORE1; STORE(Z8, Z9)
#define STORE3 STORE2; STORE(Z10, Z11)
#define STORE4 STORE3; STORE(Z12, Z13)
#define STORE5 STORE4; STORE(Z14, Z15)
#define STORE6 STORE5; STORE(Z16, Z17)
#define STORE7 STORE6; STORE(Z18, Z19)
#define STORE8 STORE7; STORE(Z20, Z21)
#define STORE9 STORE8; STORE(Z22, Z23)
#define STORE10 STORE9; STORE(Z24, Z25)
#define STORE11 STORE10; STORE(Z26, Z27)
#define STORE12 STORE11; STORE(Z28, Z29)
#define STORE13 STORE12; STORE(Z30, Z31)

// PRODUCT computes tiles of H rows over k units, four at a time. Its labels are
// arguments, because a function has one PRODUCT for each height.
#define PRODUCT(H, LOADS, TERM, STORES, tile, four, rest, one, done) \
tile:                      \
	LOADS;                 \
	MOVQ AX, R12;          \
	LEAQ (R10)(R10*4), CX; \
	LEAQ (R12)(CX*1), R13; \
	LEAQ (R13)(CX*1), R15; \
	MOVQ w+56(FP), BX;     \
	MOVQ k+72(FP), CX;     \
	SUBQ $4, CX;           \
	JLT  rest;             \
	PCALIGN $64;           \
four:                      \
	TERM(0);               \
	TERM(1);               \
	TERM(2);               \
	TERM(3);               \
	ADDQ $16, R12;         \
	ADDQ $16, R13;         \
	ADDQ $16, R15;         \
	ADDQ $256, BX;         \
	SUBQ $4, CX;           \
	JGE  four;             \
rest:                      \
	ADDQ $4, CX;           \
	JEQ  done;             \
one:                       \
	TERM(0);               \
	ADDQ $4, R12;          \
	ADDQ $4, R13;          \
	ADDQ $4, R15;          \
	ADDQ $64, BX;          \
	DECQ CX;               \
	JNE  one;              \
done:                      \
	VPXORD Z0, Z0, Z0;     \
	STORES;                \
	IMUL3Q $H, R10, CX;    \
	ADDQ CX, AX;           \
	DECQ tiles+80(FP);     \
	JNE  tile;             \
	VZEROUPPER;            \
	RET

// GRAD1 … GRAD13 add the term of one row to the gradient of a tile: lower units at R12,
// upper units at R13.
#define GRAD1 \
	VMOVUPS (R13), Z0;   \
	VMOVUPS 64(R13), Z1; \
	ROW((R12), Z2, Z6, Z7)
#define GRAD2 GRAD1; ROW(4(R12), Z3, Z8, Z9)
#define GRAD3 GRAD2; ROW(8(R12), Z4, Z10, Z11)
#define GRAD4 GRAD3; ROW(12(R12), Z5, Z12, Z13)
#define GRAD5 GRAD4; ROW(16(R12), Z2, Z14, Z15)
#define GRAD6 GRAD5; ROW(20(R12), Z3, Z16, Z17)
#define GRAD7 GRAD6; ROW(24(R12), Z4, Z18, Z19)
#define GRAD8 GRAD7; ROW(28(R12), Z5, Z20, Z21)
#define GRAD9 GRAD8; ROW(32(R12), Z2, Z22, Z23)
#define GRAD10 GRAD9; ROW(36(R12), Z3, Z24, Z25)
#define GRAD11 GRAD10; ROW(40(R12), Z4, Z26, Z27)
#define GRAD12 GRAD11; ROW(44(R12), Z5, Z28, Z29)
#define GRAD13 GRAD12; ROW(48(R12), Z2, Z30, Z31)

// ZERO1 … ZERO13 clear sums.
#define ZERO(S, T) \
	VPXORD S, S, S; \
	VPXORD T, T, T
#define ZERO1 ZERO(Z6, Z7)
#define ZERO2 ZERO1; ZERO(Z8, Z9)
#define ZERO3 ZERO2; ZERO(Z10, Z11)
#define ZERO4 ZERO3; ZERO(Z12, Z13)
#define ZERO5 ZERO4; ZERO(Z14, Z15)
#define ZERO6 ZERO5; ZERO(Z16, Z17)
#define ZERO7 ZERO6; ZERO(Z18, Z19)
#define ZERO8 ZERO7; ZERO(Z20, Z21)
#define ZERO9 ZERO8; ZERO(Z22, Z23)
#define ZERO10 ZERO9; ZERO(Z24, Z25)
#define ZERO11 ZERO10; ZERO(Z26, Z27)
#define ZERO12 ZERO11; ZERO(Z28, Z29)
#define ZERO13 ZERO12; ZERO(Z30, Z31)

// MOVE moves the 16 weights at A by the gradient G, with the pull P and the rate Z2. Z5 is
// 0. It uses Z3.
#define MOVE(A, G, P) \
	VADDPS       Z5, G, G;  \
	VMOVUPS      A, Z3;     \
	VFNMADD231PS P, Z3, G;  \
	VFMADD231PS  G, Z2, Z3; \
	VMOVUPS      Z3, A

// MOVE1 … MOVE13 move the weights of a tile, at DI and, in the second panel, DX bytes on.
// The pull is Z0 and Z1.
#define MOVE1 MOVE((DI), Z6, Z0); MOVE((DI)(DX*1), Z7, Z1)
#define MOVE2 MOVE1; MOVE(64(DI), Z8, Z0); MOVE(64(DI)(DX*1), Z9, Z1)
#define MOVE3 MOVE2; MOVE(128(DI), Z10, Z0); MOVE(128(DI)(DX*1), Z11, Z1)
#define MOVE4 MOVE3; MOVE(192(DI), Z12, Z0); MOVE(192(DI)(DX*1), Z13, Z1)
#define MOVE5 MOVE4; MOVE(256(DI), Z14, Z0); MOVE(256(DI)(DX*1), Z15, Z1)
#define MOVE6 MOVE5; MOVE(320(DI), Z16, Z0); MOVE(320(DI)(DX*1), Z17, Z1)
#define MOVE7 MOVE6; MOVE(384(DI), Z18, Z0); MOVE(384(DI)(DX*1), Z19, Z1)
#define MOVE8 MOVE7; MOVE(448(DI), Z20, Z0); MOVE(448(DI)(DX*1), Z21, Z1)
#define MOVE9 MOVE8; MOVE(512(DI), Z22, Z0); MOVE(512(DI)(DX*1), Z23, Z1)
#define MOVE10 MOVE9; MOVE(576(DI), Z24, Z0); MOVE(576(DI)(DX*1), Z25, Z1)
#define MOVE11 MOVE10; MOVE(640(DI), Z26, Z0); MOVE(640(DI)(DX*1), Z27, Z1)
#define MOVE12 MOVE11; MOVE(704(DI), Z28, Z0); MOVE(704(DI)(DX*1), Z29, Z1)
#define MOVE13 MOVE12; MOVE(768(DI), Z30, Z0); MOVE(768(DI)(DX*1), Z31, Z1)

// LEARN learns tiles of H units from all rows.
#define LEARN(H, ZEROS, GRAD, MOVES, tile, next) \
tile:                             \
	MOVQ AX, R12;                 \
	MOVQ BX, R13;                 \
	MOVQ rows+56(FP), CX;         \
	ZEROS;                        \
	PCALIGN $64;                  \
next:                             \
	GRAD;                         \
	ADDQ R8, R12;                 \
	ADDQ R9, R13;                 \
	DECQ CX;                      \
	JNE  next;                    \
	VMOVUPS (SI), Z0;             \
	VMOVUPS 64(SI), Z1;           \
	VBROADCASTSS rate+72(FP), Z2; \
	VPXORD Z5, Z5, Z5;            \
	MOVES;                        \
	ADDQ $(64*H), DI;             \
	ADDQ $(4*H), AX;              \
	DECQ tiles+80(FP);            \
	JNE  tile;                    \
	VZEROUPPER;                   \
	RET

// --- Lists of nonzeros ------------------------------------------------------

// PANELS points BX, R8, R9 and R10 to four panels, R10 bytes apart, from BX on. Four more
// are R15 bytes on.
#define PANELS \
	LEAQ (R10*4), R15;    \
	LEAQ (BX)(R10*1), R8; \
	LEAQ (BX)(R10*2), R9; \
	ADDQ R9, R10

// UNIT4 and UNIT8 add the weights of unit (SI), times (DX), to the sums of four panels and
// of eight. A unit has 64 bytes in each panel. They use R12.
#define UNIT4 \
	MOVLQSX      (SI), R12;           \
	SHLQ         $6, R12;             \
	VBROADCASTSS (DX), Z0;            \
	VFMADD231PS  (BX)(R12*1), Z0, Z6; \
	VFMADD231PS  (R8)(R12*1), Z0, Z7; \
	VFMADD231PS  (R9)(R12*1), Z0, Z8; \
	VFMADD231PS  (R10)(R12*1), Z0, Z9
#define UNIT8 \
	UNIT4;                             \
	ADDQ         R15, R12;             \
	VFMADD231PS  (BX)(R12*1), Z0, Z10; \
	VFMADD231PS  (R8)(R12*1), Z0, Z11; \
	VFMADD231PS  (R9)(R12*1), Z0, Z12; \
	VFMADD231PS  (R10)(R12*1), Z0, Z13

// NONZERO follows the list of a row: CX units. LOADS and STORES take two panels at a time.
#define NONZERO(LOADS, UNITS, STORES, next) \
	LOADS;                 \
	MOVQ index+24(FP), SI; \
	PANELS;                \
	PCALIGN $64;           \
next:                      \
	UNITS;                 \
	ADDQ $4, SI;           \
	ADDQ $4, DX;           \
	DECQ CX;               \
	JNE  next;             \
	MOVQ $128, R8;         \
	VPXORD Z0, Z0, Z0;     \
	STORES;                \
	VZEROUPPER;            \
	RET

// UPPER4 and UPPER8 add the upper units of row (SI), times (DX), to the gradient in four
// panels and in eight. Rows are R11 bytes, from y on. They use R12.
#define UPPER4 \
	MOVLQSX      (SI), R12;        \
	IMULQ        R11, R12;         \
	VBROADCASTSS (DX), Z0;         \
	ADDQ         y+48(FP), R12;    \
	VFMADD231PS  (R12), Z0, Z6;    \
	VFMADD231PS  64(R12), Z0, Z7;  \
	VFMADD231PS  128(R12), Z0, Z8; \
	VFMADD231PS  192(R12), Z0, Z9
#define UPPER8 \
	UPPER4;                         \
	VFMADD231PS  256(R12), Z0, Z10; \
	VFMADD231PS  320(R12), Z0, Z11; \
	VFMADD231PS  384(R12), Z0, Z12; \
	VFMADD231PS  448(R12), Z0, Z13

// MOVEUNIT4 and MOVEUNIT8 move the weights of a unit in four panels and in eight. The pull
// is at R13.
#define MOVEUNIT4 \
	MOVE((BX), Z6, (R13));    \
	MOVE((R8), Z7, 64(R13));  \
	MOVE((R9), Z8, 128(R13)); \
	MOVE((R10), Z9, 192(R13))
#define MOVEUNIT8 \
	MOVEUNIT4;                        \
	MOVE((BX)(R15*1), Z10, 256(R13)); \
	MOVE((R8)(R15*1), Z11, 320(R13)); \
	MOVE((R9)(R15*1), Z12, 384(R13)); \
	MOVE((R10)(R15*1), Z13, 448(R13))

// LEARN_NONZERO follows the lists of units, each from (AX) to 4(AX). Its JEQ goes by the
// flags of SUBL.
#define LEARN_NONZERO(ZEROS, UPPERS, MOVES, unit, next, move) \
unit:               \
	MOVL 4(AX), CX; \
	SUBL (AX), CX;  \
	LEAQ 4(AX), AX; \
	ZEROS;          \
	JEQ  move;      \
next:               \
	UPPERS;         \
	ADDQ $4, SI;    \
	ADDQ $4, DX;    \
	DECQ CX;        \
	JNE  next;      \
move:               \
	MOVES;          \
	ADDQ $64, BX;   \
	ADDQ $64, R8;   \
	ADDQ $64, R9;   \
	ADDQ $64, R10;  \
	DECQ DI;        \
	JNE  unit;      \
	VZEROUPPER;     \
	RET

// --- Products and gradients -------------------------------------------------

// CASE jumps to a label if CX, the height of tiles, is H.
#define CASE(H, label) \
	CMPQ CX, $H; \
	JEQ  label

// func productAVX512(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
//	w *float32, panelStride, k, tiles int)
//
//	DI, R8         out, its stride
//	SI, R9         start, its stride
//	AX, R10        row 0 of the tile in x, its stride
//	R11            3 strides of x
//	R12, R13, R15  the next units of rows 0, 5 and 10
//	BX, DX         the next weights, the stride of panels
//	CX             units left
TEXT ·productAVX512(SB), NOSPLIT, $0-88
	MOVQ out+8(FP), DI
	MOVQ outStride+16(FP), R8
	MOVQ start+24(FP), SI
	MOVQ startStride+32(FP), R9
	MOVQ x+40(FP), AX
	MOVQ xStride+48(FP), R10
	MOVQ panelStride+64(FP), DX
	SHLQ $2, R8
	SHLQ $2, R9
	SHLQ $2, R10
	SHLQ $2, DX
	LEAQ (R10)(R10*2), R11
	MOVQ height+0(FP), CX
	CASE(13, tile13)
	CASE(12, tile12)
	CASE(11, tile11)
	CASE(10, tile10)
	CASE(9, tile9)
	CASE(8, tile8)
	CASE(7, tile7)
	CASE(6, tile6)
	CASE(5, tile5)
	CASE(4, tile4)
	CASE(3, tile3)
	CASE(2, tile2)
	PRODUCT(1, LOAD1, TERM1, STORE1, tile1, four1, rest1, one1, done1)
	PRODUCT(2, LOAD2, TERM2, STORE2, tile2, four2, rest2, one2, done2)
	PRODUCT(3, LOAD3, TERM3, STORE3, tile3, four3, rest3, one3, done3)
	PRODUCT(4, LOAD4, TERM4, STORE4, tile4, four4, rest4, one4, done4)
	PRODUCT(5, LOAD5, TERM5, STORE5, tile5, four5, rest5, one5, done5)
	PRODUCT(6, LOAD6, TERM6, STORE6, tile6, four6, rest6, one6, done6)
	PRODUCT(7, LOAD7, TERM7, STORE7, tile7, four7, rest7, one7, done7)
	PRODUCT(8, LOAD8, TERM8, STORE8, tile8, four8, rest8, one8, done8)
	PRODUCT(9, LOAD9, TERM9, STORE9, tile9, four9, rest9, one9, done9)
	PRODUCT(10, LOAD10, TERM10, STORE10, tile10, four10, rest10, one10, done10)
	PRODUCT(11, LOAD11, TERM11, STORE11, tile11, four11, rest11, one11, done11)
	PRODUCT(12, LOAD12, TERM12, STORE12, tile12, four12, rest12, one12, done12)
	PRODUCT(13, LOAD13, TERM13, STORE13, tile13, four13, rest13, one13, done13)

// func learnAVX512(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
//	pull *float32, rate float32, tiles int)
//
//	DI, DX    the weights of the tile, the stride of panels
//	AX, R8    its units in row 0 of x, the stride
//	BX, R9    row 0 of y, the stride
//	R12, R13  the same in the next row
//	SI        pull
//	CX        rows left
TEXT ·learnAVX512(SB), NOSPLIT, $0-88
	MOVQ w+8(FP), DI
	MOVQ panelStride+16(FP), DX
	MOVQ x+24(FP), AX
	MOVQ xStride+32(FP), R8
	MOVQ y+40(FP), BX
	MOVQ yStride+48(FP), R9
	MOVQ pull+64(FP), SI
	SHLQ $2, DX
	SHLQ $2, R8
	SHLQ $2, R9
	MOVQ height+0(FP), CX
	CASE(13, tile13)
	CASE(12, tile12)
	CASE(11, tile11)
	CASE(10, tile10)
	CASE(9, tile9)
	CASE(8, tile8)
	CASE(7, tile7)
	CASE(6, tile6)
	CASE(5, tile5)
	CASE(4, tile4)
	CASE(3, tile3)
	CASE(2, tile2)
	LEARN(1, ZERO1, GRAD1, MOVE1, tile1, next1)
	LEARN(2, ZERO2, GRAD2, MOVE2, tile2, next2)
	LEARN(3, ZERO3, GRAD3, MOVE3, tile3, next3)
	LEARN(4, ZERO4, GRAD4, MOVE4, tile4, next4)
	LEARN(5, ZERO5, GRAD5, MOVE5, tile5, next5)
	LEARN(6, ZERO6, GRAD6, MOVE6, tile6, next6)
	LEARN(7, ZERO7, GRAD7, MOVE7, tile7, next7)
	LEARN(8, ZERO8, GRAD8, MOVE8, tile8, next8)
	LEARN(9, ZERO9, GRAD9, MOVE9, tile9, next9)
	LEARN(10, ZERO10, GRAD10, MOVE10, tile10, next10)
	LEARN(11, ZERO11, GRAD11, MOVE11, tile11, next11)
	LEARN(12, ZERO12, GRAD12, MOVE12, tile12, next12)
	LEARN(13, ZERO13, GRAD13, MOVE13, tile13, next13)

// func nonzeroAVX512(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)
//
//	SI, DX                the next index and value
//	CX                    nonzeros left
//	BX, R8, R9, R10, R15  the panels
//
// AVX2 takes single panels.
TEXT ·nonzeroAVX512(SB), NOSPLIT, $0-64
	CMPQ panels+0(FP), $1
	JEQ single
	MOVQ out+8(FP), DI
	MOVQ start+16(FP), SI
	MOVQ value+32(FP), DX
	MOVQ w+48(FP), BX
	MOVQ panelStride+56(FP), R10
	SHLQ $2, R10
	MOVQ $128, R9
	MOVQ n+40(FP), CX
	CMPQ panels+0(FP), $8
	JEQ eight
	NONZERO(LOAD2, UNIT4, STORE2, next4)
eight:
	NONZERO(LOAD4, UNIT8, STORE4, next8)
single:
	JMP ·nonzeroAVX2(SB)

// func learnNonzeroAVX512(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
//	pull *float32, rate float32, units int)
//
//	AX                    start
//	SI, DX                the next index and value
//	CX, DI                rows of the list left, units left
//	BX, R8, R9, R10, R15  the weights of the unit in each panel
//	R11                   the stride of y
//	R13                   pull
//	Z2, Z5                the rate, 0
//
// AVX2 takes single panels.
TEXT ·learnNonzeroAVX512(SB), NOSPLIT, $0-88
	CMPQ panels+0(FP), $1
	JEQ single
	MOVQ w+8(FP), BX
	MOVQ panelStride+16(FP), R10
	MOVQ start+24(FP), AX
	MOVQ index+32(FP), SI
	MOVQ value+40(FP), DX
	MOVQ yStride+56(FP), R11
	MOVQ pull+64(FP), R13
	VBROADCASTSS rate+72(FP), Z2
	VPXORD Z5, Z5, Z5
	MOVQ units+80(FP), DI
	SHLQ $2, R10
	SHLQ $2, R11
	PANELS
	MOVLQSX (AX), R12
	LEAQ (SI)(R12*4), SI
	LEAQ (DX)(R12*4), DX
	CMPQ panels+0(FP), $8
	JEQ unit8
	LEARN_NONZERO(ZERO2, UPPER4, MOVEUNIT4, unit4, next4, move4)
	LEARN_NONZERO(ZERO4, UPPER8, MOVEUNIT8, unit8, next8, move8)
single:
	JMP ·learnNonzeroAVX2(SB)

// --- Sigmoid, softplus and sampling -----------------------------------------

// The constants in registers, in all lanes.
#define SIGN   Z14
#define LOG2E  Z15
#define ROUNDS Z16
#define LN2HI  Z17
#define LN2LO  Z18
#define EXPC2  Z19
#define EXPC3  Z20
#define EXPC4  Z21
#define EXPC5  Z22
#define EXPC6  Z23
#define ONE    Z24
#define EXPLOW Z25

// CONSTANTS loads them.
#define CONSTANTS \
	SPREAD(constant_sign, SIGN);     \
	SPREAD(constant_log2e, LOG2E);   \
	SPREAD(constant_rounds, ROUNDS); \
	SPREAD(constant_ln2Hi, LN2HI);   \
	SPREAD(constant_ln2Lo, LN2LO);   \
	SPREAD(constant_expC2, EXPC2);   \
	SPREAD(constant_expC3, EXPC3);   \
	SPREAD(constant_expC4, EXPC4);   \
	SPREAD(constant_expC5, EXPC5);   \
	SPREAD(constant_expC6, EXPC6);   \
	SPREAD(constant_one, ONE);       \
	SPREAD(constant_expLow, EXPLOW)

// EXP makes E = exp(−|X|). It uses T, S and K1.
#define EXP(X, T, E, S) \
	VPORD        X, SIGN, T;          /* z = −|x| */          \
	VCMPPS       NLT_UQ, EXPLOW, T, K1;                       \
	VMOVAPS      ROUNDS, S;                                   \
	VFMADD231PS  LOG2E, T, S;         /* n in the low bits */ \
	VSUBPS       ROUNDS, S, E;        /* n */                 \
	VPSLLD       $23, S, S;           /* 2ⁿ */                \
	VFNMADD231PS LN2HI, E, T;                                 \
	VFNMADD231PS LN2LO, E, T;         /* t = z − n·ln 2 */    \
	VMOVAPS      EXPC6, E;                                    \
	VFMADD213PS  EXPC5, T, E;                                 \
	VFMADD213PS  EXPC4, T, E;                                 \
	VFMADD213PS  EXPC3, T, E;                                 \
	VFMADD213PS  EXPC2, T, E;                                 \
	VFMADD213PS  ONE, T, E;                                   \
	VFMADD213PS  ONE, T, E;                                   \
	VMULPS.Z     S, E, K1, E          /* z < −87 ? 0 : e */

// SIGMOID makes X its sigmoid. It uses T, E, S, K1 and K2.
#define SIGMOID(X, T, E, S) \
	EXP(X, T, E, S);                                      \
	VADDPS       ONE, E, T;                               \
	VPMOVD2M     X, K2;                                   \
	VBLENDMPS    E, ONE, K2, S;       /* x < 0 ? e : 1 */ \
	VDIVPS       T, S, X

// The coefficients of SOFTPLUS.
#define LOGC1 Z12
#define LOGC2 Z13
#define LOGC3 Z26
#define LOGC4 Z27
#define LOGC5 Z28
#define LOGC6 Z29
#define LOGC7 Z30
#define LOGC8 Z31

// SOFTPLUS makes X its softplus. It uses T, E, S and K1.
#define SOFTPLUS(X, T, E, S) \
	EXP(X, T, E, S);          \
	VMOVAPS      LOGC8, S;    \
	VFMADD213PS  LOGC7, E, S; \
	VFMADD213PS  LOGC6, E, S; \
	VFMADD213PS  LOGC5, E, S; \
	VFMADD213PS  LOGC4, E, S; \
	VFMADD213PS  LOGC3, E, S; \
	VFMADD213PS  LOGC2, E, S; \
	VFMADD213PS  LOGC1, E, S; \
	VFMADD213PS  ONE, E, S;   \
	VPXORD       T, T, T;     \
	VMAXPS       T, X, X;     \
	VFMADD231PS  S, E, X

// CHANGED raises the largest changes M to |X − old|, old being at A. A NaN changes
// nothing. It uses T.
#define CHANGED(A, X, M, T) \
	VSUBPS  A, X, T;    \
	VPANDND T, SIGN, T; \
	VMAXPS  M, T, M

// func sigmoidAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)
//
//	DI, R8    the row of out, the stride
//	SI, R9    the row of pre, the stride
//	R10, R11  the panel of each
//	DX, CX    rows left, panels left
//	BX        change
//	Z8        the largest change of the row
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-56
	MOVQ out+0(FP), DI
	MOVQ outStride+8(FP), R8
	MOVQ pre+16(FP), SI
	MOVQ preStride+24(FP), R9
	MOVQ rows+32(FP), DX
	MOVQ change+48(FP), BX
	SHLQ $2, R8
	SHLQ $2, R9
	CONSTANTS
row:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ panels+40(FP), CX
	VMOVSS (BX), X8
panel:
	VMOVUPS (R11), Z0
	SIGMOID(Z0, Z1, Z2, Z3)
	CHANGED((R10), Z0, Z8, Z1)
	VMOVUPS Z0, (R10)
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ CX
	JNE panel
	VEXTRACTF64X4 $1, Z8, Y9
	VMAXPS Y8, Y9, Y8
	VEXTRACTF128 $1, Y8, X9
	VMAXPS X8, X9, X8
	VPSHUFD SWAP2, X8, X9
	VMAXPS X8, X9, X8
	VPSHUFD SWAP1, X8, X9
	VMAXPS X8, X9, X8
	VMOVSS X8, (BX)
	ADDQ $4, BX
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ DX
	JNE row
	VZEROUPPER
	RET

// The constants of sampling.
#define PHILOXM0 Z26
#define PHILOXM1 Z27
#define UNIT     Z28

// KEY stores the key of round r, R12 and R13, and bumps it.
#define KEY(r) \
	MOVL R12, keys-(80-8*r)(SP);                \
	MOVL R13, keys-(76-8*r)(SP);                \
	ADDL ·constants+constant_philoxW0(SB), R12; \
	ADDL ·constants+constant_philoxW1(SB), R13

// PHILOX is round r of Philox on eight counters C0 … C3, each word in the low half of a
// 64-bit lane. Words 1 and 3 move to N1 and N3.
#define PHILOX(r, C0, C1, C2, C3, N1, N3) \
	VPMULUDQ        PHILOXM1, C2, N1;                \
	VPMULUDQ        PHILOXM0, C0, N3;                \
	VPSRLQ          $32, N1, C0;                     \
	VPTERNLOGD.BCST XOR3, keys-(80-8*r)(SP), C1, C0; \
	VPSRLQ          $32, N3, C2;                     \
	VPTERNLOGD.BCST XOR3, keys-(76-8*r)(SP), C3, C2

// BERNOULLI stores 1 to A where the uniform number of word W is below P, else 0. It uses K1.
#define BERNOULLI(W, P, A) \
	VPSRLD    $8, W, W;        \
	VCVTDQ2PS W, W;            \
	VMULPS    UNIT, W, W;      \
	VCMPPS    LT_OQ, P, W, K1; \
	VMOVAPS.Z ONE, K1, W;      \
	VMOVUPS   W, A

// func sampleAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int,
//	key0, key1, counter, row, update, tag uint32)
//
//	DI, R8    the row of out, the stride
//	SI, R9    the row of pre, the stride
//	R10, R11  two panels of each
//	DX, CX    rows left, panels left
//	BX, Z11   word 1 of the counters
//	Z10       word 0 of the counters
//	Z29       word 0 for the first two panels
//	Z30, K3   8, the odd lanes
TEXT ·sampleAVX512(SB), NOSPLIT, $80-72
	MOVQ out+0(FP), DI
	MOVQ outStride+8(FP), R8
	MOVQ pre+16(FP), SI
	MOVQ preStride+24(FP), R9
	MOVQ rows+32(FP), DX
	MOVL row+60(FP), BX
	MOVL key0+48(FP), R12
	MOVL key1+52(FP), R13
	SHLQ $2, R8
	SHLQ $2, R9
	KEY(0)
	KEY(1)
	KEY(2)
	KEY(3)
	KEY(4)
	KEY(5)
	KEY(6)
	KEY(7)
	KEY(8)
	KEY(9)
	CONSTANTS
	SPREAD(constant_philoxM0, PHILOXM0)
	SPREAD(constant_philoxM1, PHILOXM1)
	SPREAD(constant_uniformUnit, UNIT)
	VPMOVZXBQ ·constants+constant_iota8(SB), Z29
	VBROADCASTSS counter+56(FP), Z0
	VPADDD Z0, Z29, Z29
	MOVL $8, AX
	VPBROADCASTD AX, Z30
	MOVL ODD, AX
	KMOVW AX, K3
row:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ panels+40(FP), CX
	VMOVDQA32 Z29, Z10
	VPBROADCASTD BX, Z11
two:
	VMOVDQA32 Z10, Z0
	VMOVDQA32 Z11, Z1
	VBROADCASTSS update+64(FP), Z2
	VBROADCASTSS tag+68(FP), Z3
	PHILOX(0, Z0, Z1, Z2, Z3, Z4, Z5)
	PHILOX(1, Z0, Z4, Z2, Z5, Z1, Z3)
	PHILOX(2, Z0, Z1, Z2, Z3, Z4, Z5)
	PHILOX(3, Z0, Z4, Z2, Z5, Z1, Z3)
	PHILOX(4, Z0, Z1, Z2, Z3, Z4, Z5)
	PHILOX(5, Z0, Z4, Z2, Z5, Z1, Z3)
	PHILOX(6, Z0, Z1, Z2, Z3, Z4, Z5)
	PHILOX(7, Z0, Z4, Z2, Z5, Z1, Z3)
	PHILOX(8, Z0, Z1, Z2, Z3, Z4, Z5)
	PHILOX(9, Z0, Z4, Z2, Z5, Z1, Z3)
	VPSHUFD EVENS, Z1, K3, Z0       // units 0 to 7 of both panels
	VPSHUFD EVENS, Z3, K3, Z2       // units 8 to 15
	VINSERTF64X4 $1, Y2, Z0, Z4     // the first panel
	VMOVUPS (R11), Z5
	SIGMOID(Z5, Z6, Z7, Z8)
	BERNOULLI(Z4, Z5, (R10))
	DECQ CX
	JEQ done
	VSHUFF64X2 HALF2, Z2, Z0, Z4    // the second
	VMOVUPS 64(R11), Z5
	SIGMOID(Z5, Z6, Z7, Z8)
	BERNOULLI(Z4, Z5, 64(R10))
	VPADDD Z30, Z10, Z10
	ADDQ $128, R10
	ADDQ $128, R11
	DECQ CX
	JNE two
done:
	INCL BX
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ DX
	JNE row
	VZEROUPPER
	RET

// func softplusAVX512(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)
//
//	DI, SI, R8, R9  pre, a, to, from
//	CX              panels left
//	DX, Z11         sums, and what they hold
//	Z9, Z10         betaTo, betaFrom
TEXT ·softplusAVX512(SB), NOSPLIT, $0-56
	MOVQ pre+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ to+16(FP), R8
	MOVQ from+24(FP), R9
	VBROADCASTSS betaTo+32(FP), Z9
	VBROADCASTSS betaFrom+36(FP), Z10
	MOVQ panels+40(FP), CX
	MOVQ sums+48(FP), DX
	CONSTANTS
	SPREAD(constant_logC1, LOGC1)
	SPREAD(constant_logC2, LOGC2)
	SPREAD(constant_logC3, LOGC3)
	SPREAD(constant_logC4, LOGC4)
	SPREAD(constant_logC5, LOGC5)
	SPREAD(constant_logC6, LOGC6)
	SPREAD(constant_logC7, LOGC7)
	SPREAD(constant_logC8, LOGC8)
	VMOVUPS (DX), Z11
panel:
	VMOVUPS (SI), Z2
	VMOVUPS (R8), Z0
	VMOVUPS (R9), Z1
	VFMADD231PS Z2, Z9, Z0
	VFMADD231PS Z2, Z10, Z1
	VMOVUPS Z0, (DI)
	SOFTPLUS(Z0, Z3, Z4, Z5)
	SOFTPLUS(Z1, Z6, Z7, Z8)
	VSUBPS Z1, Z0, Z0
	VADDPS Z0, Z11, Z11
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $64, R8
	ADDQ $64, R9
	DECQ CX
	JNE panel
	VMOVUPS Z11, (DX)
	VZEROUPPER
	RET

// --- Vectors ----------------------------------------------------------------

// func adamAVX512(w, grad, mean, square *float32, panels int, rate float32)
//
//	DI, SI, DX, BX  w, grad, mean, square
//	CX              panels left
//	Z8, Z9          what mean keeps, what grad adds to it
//	Z10, Z11        the same for square
//	Z12, Z13        the rate, epsilon
TEXT ·adamAVX512(SB), NOSPLIT, $0-44
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ mean+16(FP), DX
	MOVQ square+24(FP), BX
	MOVQ panels+32(FP), CX
	SPREAD(constant_keepMean, Z8)
	SPREAD(constant_addMean, Z9)
	SPREAD(constant_keepSquare, Z10)
	SPREAD(constant_addSquare, Z11)
	VBROADCASTSS rate+40(FP), Z12
	SPREAD(constant_epsilon, Z13)
next:
	VMOVUPS (SI), Z0       // g
	VMULPS (DX), Z8, Z1
	VMULPS Z0, Z9, Z2
	VADDPS Z2, Z1, Z1      // mean
	VMULPS (BX), Z10, Z3
	VMULPS Z0, Z11, Z4
	VMULPS Z0, Z4, Z4
	VADDPS Z4, Z3, Z3      // square
	VMOVUPS Z1, (DX)
	VMOVUPS Z3, (BX)
	VMULPS Z1, Z12, Z1
	VSQRTPS Z3, Z3
	VADDPS Z13, Z3, Z3
	VDIVPS Z3, Z1, Z1
	VADDPS (DI), Z1, Z1
	VMOVUPS Z1, (DI)
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $64, BX
	DECQ CX
	JNE next
	VZEROUPPER
	RET

// func listAVX512(index *int32, value, x *float32, panels int, first int32) int
//
//	DI, SI, BX  index, value, their length
//	DX          x
//	CX          panels left
//	Z5, Z6      the indices of the next 16 numbers, 16
//	Z4          0
//
// Each store is of 16 numbers, listed or not. It stays within the room for the list, because
// BX is at most the number of those that came before.
TEXT ·listAVX512(SB), NOSPLIT, $0-48
	MOVQ index+0(FP), DI
	MOVQ value+8(FP), SI
	MOVQ x+16(FP), DX
	MOVQ panels+24(FP), CX
	XORQ BX, BX
	VPXORD Z4, Z4, Z4
	VBROADCASTSS first+32(FP), Z5
	VPMOVZXBD ·constants+constant_iota8(SB), Z6
	VPADDD Z6, Z5, Z5
	MOVL $16, AX
	VPBROADCASTD AX, Z6
next:
	VMOVUPS (DX), Z0
	VCMPPS NEQ_UQ, Z4, Z0, K1
	VCOMPRESSPS.Z Z0, K1, Z1
	VPCOMPRESSD.Z Z5, K1, Z2
	VMOVUPS Z1, (SI)(BX*4)
	VMOVDQU32 Z2, (DI)(BX*4)
	KMOVW K1, AX
	POPCNTL AX, AX
	ADDQ AX, BX
	VPADDD Z6, Z5, Z5
	ADDQ $64, DX
	DECQ CX
	JNE next
	MOVQ BX, ret+40(FP)
	VZEROUPPER
	RET
