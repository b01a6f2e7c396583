// The loops of the kernels in AVX2 and FMA3. kernels_generic.go defines what they
// compute, and kernels_vector.go says what each of them does. A macro with the name of
// a function there computes what that function does.
//
// A panel is 16 columns: two registers of eight float32.
//
// Operands are in Go's order, the destination last:
//
//	VSUBPS b, a, d           d = a − b, and so for the other operations
//	VANDNPS b, a, d          d = b &^ a
//	VFMADD231PS a, b, d      d = a·b + d
//	VFNMADD231PS a, b, d     d = d − a·b
//	VFMADD213PS a, b, d      d = b·d + a
//	VCMPPS LT_OQ, b, a, d    d = a < b, a mask
//	VBLENDVPS m, b, a, d     d = m < 0 ? b : a

#include "go_asm.h"
#include "textflag.h"

// The constants of kernels_constants.go, in all lanes.
#define SIGN       ·constants+constant_sign(SB)
#define LOG2E      ·constants+constant_log2e(SB)
#define ROUNDS     ·constants+constant_rounds(SB)
#define LN2HI      ·constants+constant_ln2Hi(SB)
#define LN2LO      ·constants+constant_ln2Lo(SB)
#define EXPC2      ·constants+constant_expC2(SB)
#define EXPC3      ·constants+constant_expC3(SB)
#define EXPC4      ·constants+constant_expC4(SB)
#define EXPC5      ·constants+constant_expC5(SB)
#define EXPC6      ·constants+constant_expC6(SB)
#define EXPLOW     ·constants+constant_expLow(SB)
#define ONE        ·constants+constant_one(SB)
#define LOGC1      ·constants+constant_logC1(SB)
#define LOGC2      ·constants+constant_logC2(SB)
#define LOGC3      ·constants+constant_logC3(SB)
#define LOGC4      ·constants+constant_logC4(SB)
#define LOGC5      ·constants+constant_logC5(SB)
#define LOGC6      ·constants+constant_logC6(SB)
#define LOGC7      ·constants+constant_logC7(SB)
#define LOGC8      ·constants+constant_logC8(SB)
#define PHILOXM0   ·constants+constant_philoxM0(SB)
#define PHILOXM1   ·constants+constant_philoxM1(SB)
#define PHILOXW0   ·constants+constant_philoxW0(SB)
#define PHILOXW1   ·constants+constant_philoxW1(SB)
#define UNIT       ·constants+constant_uniformUnit(SB)
#define IOTA       ·constants+constant_iota64(SB)
#define KEEPMEAN   ·constants+constant_keepMean(SB)
#define ADDMEAN    ·constants+constant_addMean(SB)
#define KEEPSQUARE ·constants+constant_keepSquare(SB)
#define ADDSQUARE  ·constants+constant_addSquare(SB)
#define EPSILON    ·constants+constant_epsilon(SB)

// Comparisons.
#define LT_OQ  $17 // less than; false for a NaN
#define NEQ_UQ $4  // not equal; true for a NaN

// Selections of lanes.
#define SWAP2 $0x4e // VPSHUFD: swaps the halves of four lanes
#define SWAP1 $0xb1 // VPSHUFD: swaps neighbours
#define ODD   $0xaa // VPBLENDD: takes the odd lanes of the first operand

// --- Tiles of dense rows ----------------------------------------------------

// The sums of row i of a tile are Y(4+2i) and Y(5+2i).

// ROW adds x·(Y0, Y1), x being at address X, to the sums S and T. It uses B.
#define ROW(X, B, S, T) \
	VBROADCASTSS X, B;     \
	VFMADD231PS  Y0, B, S; \
	VFMADD231PS  Y1, B, T

// TERM1 … TERM6 add the term of unit d to the sums: weights at BX, rows 0 to 2 at R12
// and rows 3 to 5 at R13, R10 bytes apart.
#define TERM1(d) \
	VMOVUPS (64*d)(BX), Y0;    \
	VMOVUPS (64*d+32)(BX), Y1; \
	ROW((4*d)(R12), Y2, Y4, Y5)
#define TERM2(d) TERM1(d); ROW((4*d)(R12)(R10*1), Y3, Y6, Y7)
#define TERM3(d) TERM2(d); ROW((4*d)(R12)(R10*2), Y2, Y8, Y9)
#define TERM4(d) TERM3(d); ROW((4*d)(R13), Y3, Y10, Y11)
#define TERM5(d) TERM4(d); ROW((4*d)(R13)(R10*1), Y2, Y12, Y13)
#define TERM6(d) TERM5(d); ROW((4*d)(R13)(R10*2), Y3, Y14, Y15)

// LOAD1 … LOAD6 load sums from SI, R9 bytes apart, and leave SI behind them.
#define LOAD(S, T) \
	VMOVUPS (SI), S;   \
	VMOVUPS 32(SI), T; \
	ADDQ    R9, SI
#define LOAD1 LOAD(Y4, Y5)
#define LOAD2 LOAD1; LOAD(Y6, Y7)
#define LOAD3 LOAD2; LOAD(Y8, Y9)
#define LOAD4 LOAD3; LOAD(Y10, Y11)
#define LOAD5 LOAD4; LOAD(Y12, Y13)
#define LOAD6 LOAD5; LOAD(Y14, Y15)

// STORE1 … STORE6 add +0 to sums and store them to DI, R8 bytes apart, and leave DI
// behind them. Y0 is 0.
#define STORE(S, T) \
	VADDPS  Y0, S, S;  \
	VADDPS  Y0, T, T;  \
	VMOVUPS S, (DI);   \
	VMOVUPS T, 32(DI); \
	ADDQ    R8, DI
#define STORE1 STORE(Y4, Y5)
#define STORE2 STORE1; STORE(Y6, Y7)
#define STORE3 STORE2; STORE(Y8, Y9)
#define STORE4 STORE3; STORE(Y10, Y11)
#define STORE5 STORE4; STORE(Y12, Y13)
#define STORE6 STORE5; STORE(Y14, Y15)

// PRODUCT computes tiles of H rows over k units, four at a time. Its labels are
// arguments, because a function has one PRODUCT for each height.
#define PRODUCT(H, LOADS, TERM, STORES, tile, four, rest, one, done) \
tile:                       \
	LOADS;                  \
	MOVQ AX, R12;           \
	LEAQ (R10)(R10*2), R13; \
	ADDQ AX, R13;           \
	MOVQ w+56(FP), BX;      \
	MOVQ k+72(FP), CX;      \
	SUBQ $4, CX;            \
	JLT  rest;              \
	PCALIGN $64;            \
four:                       \
	TERM(0);                \
	TERM(1);                \
	TERM(2);                \
	TERM(3);                \
	ADDQ $16, R12;          \
	ADDQ $16, R13;          \
	ADDQ $256, BX;          \
	SUBQ $4, CX;            \
	JGE  four;              \
rest:                       \
	ADDQ $4, CX;            \
	JEQ  done;              \
one:                        \
	TERM(0);                \
	ADDQ $4, R12;           \
	ADDQ $4, R13;           \
	ADDQ $64, BX;           \
	DECQ CX;                \
	JNE  one;               \
done:                       \
	VXORPS Y0, Y0, Y0;      \
	STORES;                 \
	IMUL3Q $H, R10, CX;     \
	ADDQ CX, AX;            \
	DECQ tiles+80(FP);      \
	JNE  tile;              \
	VZEROUPPER;             \
	RET

// GRAD1 … GRAD6 add the term of one row to the gradient of a tile: lower units at R12,
// upper units at R13.
#define GRAD1 \
	VMOVUPS (R13), Y0;   \
	VMOVUPS 32(R13), Y1; \
	ROW((R12), Y2, Y4, Y5)
#define GRAD2 GRAD1; ROW(4(R12), Y3, Y6, Y7)
#define GRAD3 GRAD2; ROW(8(R12), Y2, Y8, Y9)
#define GRAD4 GRAD3; ROW(12(R12), Y3, Y10, Y11)
#define GRAD5 GRAD4; ROW(16(R12), Y2, Y12, Y13)
#define GRAD6 GRAD5; ROW(20(R12), Y3, Y14, Y15)

// ZERO1 … ZERO6 clear sums.
#define ZERO(S, T) \
	VXORPS S, S, S; \
	VXORPS T, T, T
#define ZERO1 ZERO(Y4, Y5)
#define ZERO2 ZERO1; ZERO(Y6, Y7)
#define ZERO3 ZERO2; ZERO(Y8, Y9)
#define ZERO4 ZERO3; ZERO(Y10, Y11)
#define ZERO5 ZERO4; ZERO(Y12, Y13)
#define ZERO6 ZERO5; ZERO(Y14, Y15)

// MOVE moves the eight weights at A by the gradient G, with the pull P and the rate Y2.
// It uses Y3.
#define MOVE(A, G, P) \
	VXORPS       Y3, Y3, Y3; \
	VADDPS       Y3, G, G;   \
	VMOVUPS      A, Y3;      \
	VFNMADD231PS P, Y3, G;   \
	VFMADD231PS  G, Y2, Y3;  \
	VMOVUPS      Y3, A

// MOVE1 … MOVE6 move the weights of a tile, at DI. The pull is Y0 and Y1.
#define MOVE1 MOVE((DI), Y4, Y0); MOVE(32(DI), Y5, Y1)
#define MOVE2 MOVE1; MOVE(64(DI), Y6, Y0); MOVE(96(DI), Y7, Y1)
#define MOVE3 MOVE2; MOVE(128(DI), Y8, Y0); MOVE(160(DI), Y9, Y1)
#define MOVE4 MOVE3; MOVE(192(DI), Y10, Y0); MOVE(224(DI), Y11, Y1)
#define MOVE5 MOVE4; MOVE(256(DI), Y12, Y0); MOVE(288(DI), Y13, Y1)
#define MOVE6 MOVE5; MOVE(320(DI), Y14, Y0); MOVE(352(DI), Y15, Y1)

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
	VMOVUPS (SI), Y0;             \
	VMOVUPS 32(SI), Y1;           \
	VBROADCASTSS rate+72(FP), Y2; \
	MOVES;                        \
	ADDQ $(64*H), DI;             \
	ADDQ $(4*H), AX;              \
	DECQ tiles+80(FP);            \
	JNE  tile;                    \
	VZEROUPPER;                   \
	RET

// --- Lists of nonzeros ------------------------------------------------------

// PANELS points BX, R8, R9 and R10 to four panels, R10 bytes apart, from BX on.
#define PANELS \
	LEAQ (BX)(R10*1), R8; \
	LEAQ (BX)(R10*2), R9; \
	ADDQ R9, R10

// AXPY adds Y0·(the panel at A and B) to the sums S and T.
#define AXPY(A, B, S, T) \
	VFMADD231PS A, Y0, S; \
	VFMADD231PS B, Y0, T

// UNIT1 and UNIT4 add the weights of unit (SI), times (DX), to the sums of one panel and of
// four. A unit has 64 bytes in each panel. They use R12.
#define UNIT1 \
	MOVLQSX      (SI), R12; \
	SHLQ         $6, R12;   \
	VBROADCASTSS (DX), Y0;  \
	AXPY((BX)(R12*1), 32(BX)(R12*1), Y4, Y5)
#define UNIT4 \
	UNIT1;                                    \
	AXPY((R8)(R12*1), 32(R8)(R12*1), Y6, Y7); \
	AXPY((R9)(R12*1), 32(R9)(R12*1), Y8, Y9); \
	AXPY((R10)(R12*1), 32(R10)(R12*1), Y10, Y11)

// NONZERO follows the list of a row: CX units.
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
	MOVQ $64, R8;          \
	VXORPS Y0, Y0, Y0;     \
	STORES;                \
	VZEROUPPER;            \
	RET

// UPPER1 and UPPER4 add the upper units of row (SI), times (DX), to the gradient in one
// panel and in four. Rows are R11 bytes, from R15 on. They use R12.
#define UPPER1 \
	MOVLQSX      (SI), R12; \
	IMULQ        R11, R12;  \
	VBROADCASTSS (DX), Y0;  \
	AXPY((R15)(R12*1), 32(R15)(R12*1), Y4, Y5)
#define UPPER4 \
	UPPER1;                                         \
	AXPY(64(R15)(R12*1), 96(R15)(R12*1), Y6, Y7);   \
	AXPY(128(R15)(R12*1), 160(R15)(R12*1), Y8, Y9); \
	AXPY(192(R15)(R12*1), 224(R15)(R12*1), Y10, Y11)

// MOVEUNIT1 and MOVEUNIT4 move the weights of a unit in one panel and in four. The pull is
// at R13.
#define MOVEUNIT1 \
	MOVE((BX), Y4, (R13)); \
	MOVE(32(BX), Y5, 32(R13))
#define MOVEUNIT4 \
	MOVEUNIT1;                  \
	MOVE((R8), Y6, 64(R13));    \
	MOVE(32(R8), Y7, 96(R13));  \
	MOVE((R9), Y8, 128(R13));   \
	MOVE(32(R9), Y9, 160(R13)); \
	MOVE((R10), Y10, 192(R13)); \
	MOVE(32(R10), Y11, 224(R13))

// LEARN_NONZERO follows the lists of units, each from (AX) to 4(AX). Its JEQ goes by the
// flags of SUBL.
#define LEARN_NONZERO(ZEROS, UPPERS, MOVES, unit, next, move) \
unit:               \
	MOVL 4(AX), CX; \
	SUBL (AX), CX;  \
	LEAQ 4(AX), AX; \
	ZEROS;          \
	JEQ  move;      \
	PCALIGN $32;    \
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

// --- Products and gradients ------------------------------------------------

// CASE jumps to a label if CX, the height of tiles, is H.
#define CASE(H, label) \
	CMPQ CX, $H; \
	JEQ  label

// func productAVX2(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
//	w *float32, panelStride, k, tiles int)
//
//	DI, R8    out, its stride
//	SI, R9    start, its stride
//	AX, R10   row 0 of the tile in x, its stride
//	R12, R13  the next units of rows 0 and 3
//	BX        the next weights
//	CX        units left
TEXT ·productAVX2(SB), NOSPLIT, $0-88
	MOVQ out+8(FP), DI
	MOVQ outStride+16(FP), R8
	MOVQ start+24(FP), SI
	MOVQ startStride+32(FP), R9
	MOVQ x+40(FP), AX
	MOVQ xStride+48(FP), R10
	SHLQ $2, R8
	SHLQ $2, R9
	SHLQ $2, R10
	MOVQ height+0(FP), CX
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

// func learnAVX2(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
//	pull *float32, rate float32, tiles int)
//
//	DI        the weights of the tile
//	AX, R8    its units in row 0 of x, the stride
//	BX, R9    row 0 of y, the stride
//	R12, R13  the same in the next row
//	SI        pull
//	CX        rows left
TEXT ·learnAVX2(SB), NOSPLIT, $0-88
	MOVQ w+8(FP), DI
	MOVQ x+24(FP), AX
	MOVQ xStride+32(FP), R8
	MOVQ y+40(FP), BX
	MOVQ yStride+48(FP), R9
	MOVQ pull+64(FP), SI
	SHLQ $2, R8
	SHLQ $2, R9
	MOVQ height+0(FP), CX
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

// func nonzeroAVX2(panels int, out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)
//
//	SI, DX           the next index and value
//	CX               nonzeros left
//	BX, R8, R9, R10  the panels
TEXT ·nonzeroAVX2(SB), NOSPLIT, $0-64
	MOVQ out+8(FP), DI
	MOVQ start+16(FP), SI
	MOVQ value+32(FP), DX
	MOVQ w+48(FP), BX
	MOVQ panelStride+56(FP), R10
	SHLQ $2, R10
	MOVQ $64, R9
	MOVQ n+40(FP), CX
	CMPQ panels+0(FP), $4
	JEQ four
	NONZERO(LOAD1, UNIT1, STORE1, next1)
four:
	NONZERO(LOAD4, UNIT4, STORE4, next4)

// func learnNonzeroAVX2(panels int, w *float32, panelStride int, start, index *int32, value, y *float32, yStride int,
//	pull *float32, rate float32, units int)
//
//	AX               start
//	SI, DX           the next index and value
//	CX, DI           rows of the list left, units left
//	BX, R8, R9, R10  the weights of the unit in each panel
//	R15, R11         y, its stride
//	R13              pull
//	Y2               the rate
TEXT ·learnNonzeroAVX2(SB), NOSPLIT, $0-88
	MOVQ w+8(FP), BX
	MOVQ panelStride+16(FP), R10
	MOVQ start+24(FP), AX
	MOVQ index+32(FP), SI
	MOVQ value+40(FP), DX
	MOVQ y+48(FP), R15
	MOVQ yStride+56(FP), R11
	MOVQ pull+64(FP), R13
	VBROADCASTSS rate+72(FP), Y2
	MOVQ units+80(FP), DI
	SHLQ $2, R10
	SHLQ $2, R11
	PANELS
	MOVLQSX (AX), R12
	LEAQ (SI)(R12*4), SI
	LEAQ (DX)(R12*4), DX
	CMPQ panels+0(FP), $4
	JEQ unit4
	LEARN_NONZERO(ZERO1, UPPER1, MOVEUNIT1, unit1, next1, move1)
	LEARN_NONZERO(ZERO4, UPPER4, MOVEUNIT4, unit4, next4, move4)

// --- Sigmoid, softplus and sampling -----------------------------------------

// EXP makes E = exp(−|X|). It uses T and S.
#define EXP(X, T, E, S) \
	VORPS        SIGN, X, T;   /* z = −|x| */          \
	VMOVUPS      ROUNDS, S;                            \
	VFMADD231PS  LOG2E, T, S;  /* n in the low bits */ \
	VSUBPS       ROUNDS, S, E; /* n */                 \
	VPSLLD       $23, S, S;    /* 2ⁿ */                \
	VFNMADD231PS LN2HI, E, T;                          \
	VFNMADD231PS LN2LO, E, T;  /* t = z − n·ln 2 */    \
	VMOVUPS      EXPC6, E;                             \
	VFMADD213PS  EXPC5, T, E;                          \
	VFMADD213PS  EXPC4, T, E;                          \
	VFMADD213PS  EXPC3, T, E;                          \
	VFMADD213PS  EXPC2, T, E;                          \
	VFMADD213PS  ONE, T, E;                            \
	VFMADD213PS  ONE, T, E;                            \
	VMULPS       S, E, E;                              \
	VORPS        SIGN, X, T;                           \
	VCMPPS       LT_OQ, EXPLOW, T, T;                  \
	VANDNPS      E, T, E       /* z < −87 ? 0 : e */

// SIGMOID makes X its sigmoid. It uses T, E and S.
#define SIGMOID(X, T, E, S) \
	EXP(X, T, E, S);                               \
	VMOVUPS      ONE, S;                           \
	VADDPS       S, E, T;                          \
	VBLENDVPS    X, E, S, S;   /* x < 0 ? e : 1 */ \
	VDIVPS       T, S, X

// SOFTPLUS makes X its softplus. It uses T, E and S.
#define SOFTPLUS(X, T, E, S) \
	EXP(X, T, E, S);          \
	VMOVUPS      LOGC8, S;    \
	VFMADD213PS  LOGC7, E, S; \
	VFMADD213PS  LOGC6, E, S; \
	VFMADD213PS  LOGC5, E, S; \
	VFMADD213PS  LOGC4, E, S; \
	VFMADD213PS  LOGC3, E, S; \
	VFMADD213PS  LOGC2, E, S; \
	VFMADD213PS  LOGC1, E, S; \
	VFMADD213PS  ONE, E, S;   \
	VXORPS       T, T, T;     \
	VMAXPS       T, X, X;     \
	VFMADD231PS  S, E, X

// CHANGED raises the largest changes M to |X − old|, old being at A. A NaN changes
// nothing. Y7 is SIGN. It uses T.
#define CHANGED(A, X, M, T) \
	VSUBPS  A, X, T;  \
	VANDNPS T, Y7, T; \
	VMAXPS  M, T, M

// func sigmoidAVX2(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)
//
//	DI, R8    the row of out, the stride
//	SI, R9    the row of pre, the stride
//	R10, R11  the panel of each
//	DX, CX    rows left, panels left
//	BX        change
//	Y8, Y9    the largest change of the row
//	Y7        SIGN
TEXT ·sigmoidAVX2(SB), NOSPLIT, $0-56
	MOVQ out+0(FP), DI
	MOVQ outStride+8(FP), R8
	MOVQ pre+16(FP), SI
	MOVQ preStride+24(FP), R9
	MOVQ rows+32(FP), DX
	MOVQ change+48(FP), BX
	SHLQ $2, R8
	SHLQ $2, R9
	VMOVUPS SIGN, Y7
row:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ panels+40(FP), CX
	VMOVSS (BX), X8
	VXORPS Y9, Y9, Y9
panel:
	VMOVUPS (R11), Y0
	VMOVUPS 32(R11), Y1
	SIGMOID(Y0, Y2, Y3, Y4)
	SIGMOID(Y1, Y2, Y3, Y4)
	CHANGED((R10), Y0, Y8, Y5)
	CHANGED(32(R10), Y1, Y9, Y6)
	VMOVUPS Y0, (R10)
	VMOVUPS Y1, 32(R10)
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ CX
	JNE panel
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

// PHILOX is a round of Philox on four counters C0 … C3, each word in the low half of a
// 64-bit lane. Words 1 and 3 move to N1 and N3. The key is Y6 and Y7.
#define PHILOX(C0, C1, C2, C3, N1, N3) \
	VPMULUDQ PHILOXM1, C2, N1; \
	VPMULUDQ PHILOXM0, C0, N3; \
	VPSRLQ   $32, N1, C0;      \
	VPXOR    C1, C0, C0;       \
	VPXOR    Y6, C0, C0;       \
	VPSRLQ   $32, N3, C2;      \
	VPXOR    C3, C2, C2;       \
	VPXOR    Y7, C2, C2;       \
	VPADDD   PHILOXW0, Y6, Y6; \
	VPADDD   PHILOXW1, Y7, Y7

// BERNOULLI stores 1 to A where the uniform number of word W is below P, else 0.
#define BERNOULLI(W, P, A) \
	VPSRLD    $8, W, W;       \
	VCVTDQ2PS W, W;           \
	VMULPS    UNIT, W, W;     \
	VCMPPS    LT_OQ, P, W, W; \
	VANDPS    ONE, W, W;      \
	VMOVUPS   W, A

// func sampleAVX2(out *float32, outStride int, pre *float32, preStride, rows, panels int,
//	key0, key1, counter, row, update, tag uint32)
//
//	DI, R8      the row of out, the stride
//	SI, R9      the row of pre, the stride
//	R10, R11    the panel of each
//	DX, CX      rows left, panels left
//	AX          word 1 of the counters
//	Y10 to Y13  the words of the counters
//	Y14         4
TEXT ·sampleAVX2(SB), NOSPLIT, $0-72
	MOVQ out+0(FP), DI
	MOVQ outStride+8(FP), R8
	MOVQ pre+16(FP), SI
	MOVQ preStride+24(FP), R9
	MOVQ rows+32(FP), DX
	SHLQ $2, R8
	SHLQ $2, R9
	MOVL $4, AX
	VMOVD AX, X14
	VPBROADCASTD X14, Y14
	VBROADCASTSS update+64(FP), Y12
	VBROADCASTSS tag+68(FP), Y13
	MOVL row+60(FP), AX
row:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ panels+40(FP), CX
	VBROADCASTSS counter+56(FP), Y10
	VPADDD IOTA, Y10, Y10
	VMOVD AX, X11
	VPBROADCASTD X11, Y11
panel:
	VMOVDQU Y10, Y0
	VMOVDQU Y11, Y1
	VMOVDQU Y12, Y2
	VMOVDQU Y13, Y3
	VBROADCASTSS key0+48(FP), Y6
	VBROADCASTSS key1+52(FP), Y7
	PHILOX(Y0, Y1, Y2, Y3, Y4, Y5)
	PHILOX(Y0, Y4, Y2, Y5, Y1, Y3)
	PHILOX(Y0, Y1, Y2, Y3, Y4, Y5)
	PHILOX(Y0, Y4, Y2, Y5, Y1, Y3)
	PHILOX(Y0, Y1, Y2, Y3, Y4, Y5)
	PHILOX(Y0, Y4, Y2, Y5, Y1, Y3)
	PHILOX(Y0, Y1, Y2, Y3, Y4, Y5)
	PHILOX(Y0, Y4, Y2, Y5, Y1, Y3)
	PHILOX(Y0, Y1, Y2, Y3, Y4, Y5)
	PHILOX(Y0, Y4, Y2, Y5, Y1, Y3)
	VPSLLQ $32, Y1, Y1
	VPBLENDD ODD, Y1, Y0, Y0    // units 0 to 7
	VPSLLQ $32, Y3, Y3
	VPBLENDD ODD, Y3, Y2, Y1    // units 8 to 15
	VMOVUPS (R11), Y2
	VMOVUPS 32(R11), Y3
	SIGMOID(Y2, Y4, Y5, Y6)
	SIGMOID(Y3, Y4, Y5, Y6)
	BERNOULLI(Y0, Y2, (R10))
	BERNOULLI(Y1, Y3, 32(R10))
	VPADDD Y14, Y10, Y10
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ CX
	JNE panel
	INCL AX
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ DX
	JNE row
	VZEROUPPER
	RET

// func softplusAVX2(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)
//
//	DI, SI, R8, R9  pre, a, to, from
//	CX              panels left
//	DX, Y12, Y13    sums, and what they hold
//	Y14, Y15        betaTo, betaFrom
TEXT ·softplusAVX2(SB), NOSPLIT, $0-56
	MOVQ pre+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ to+16(FP), R8
	MOVQ from+24(FP), R9
	VBROADCASTSS betaTo+32(FP), Y14
	VBROADCASTSS betaFrom+36(FP), Y15
	MOVQ panels+40(FP), CX
	MOVQ sums+48(FP), DX
	VMOVUPS (DX), Y12
	VMOVUPS 32(DX), Y13
panel:
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VMOVUPS (R8), Y0
	VMOVUPS 32(R8), Y1
	VMOVUPS (R9), Y2
	VMOVUPS 32(R9), Y3
	VFMADD231PS Y4, Y14, Y0
	VFMADD231PS Y5, Y14, Y1
	VFMADD231PS Y4, Y15, Y2
	VFMADD231PS Y5, Y15, Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	SOFTPLUS(Y0, Y4, Y5, Y6)
	SOFTPLUS(Y1, Y7, Y8, Y9)
	SOFTPLUS(Y2, Y4, Y5, Y6)
	SOFTPLUS(Y3, Y7, Y8, Y9)
	VSUBPS Y2, Y0, Y0
	VSUBPS Y3, Y1, Y1
	VADDPS Y0, Y12, Y12
	VADDPS Y1, Y13, Y13
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $64, R8
	ADDQ $64, R9
	DECQ CX
	JNE panel
	VMOVUPS Y12, (DX)
	VMOVUPS Y13, 32(DX)
	VZEROUPPER
	RET

// --- Squares and transposition ----------------------------------------------

// SQUARE adds the squares of row d of SI to the sums S and T of a lane. It uses A and B.
#define SQUARE(d, A, B, S, T) \
	VMOVUPS     (64*d)(SI), A;    \
	VMOVUPS     (64*d+32)(SI), B; \
	VFMADD231PS A, A, S;          \
	VFMADD231PS B, B, T

// func squaresAVX2(sums, w *float32, rows int)
//
//	DI         sums
//	SI         the next four rows of w
//	CX         rows left
//	Y4 to Y11  the four lanes
TEXT ·squaresAVX2(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ w+8(FP), SI
	MOVQ rows+16(FP), CX
	ZERO4
	PCALIGN $64
next:
	SQUARE(0, Y0, Y1, Y4, Y5)
	SQUARE(1, Y2, Y3, Y6, Y7)
	SQUARE(2, Y12, Y13, Y8, Y9)
	SQUARE(3, Y14, Y15, Y10, Y11)
	ADDQ $256, SI
	SUBQ $4, CX
	JNE next
	VADDPS Y6, Y4, Y4
	VADDPS Y7, Y5, Y5
	VADDPS Y10, Y8, Y8
	VADDPS Y11, Y9, Y9
	VADDPS Y8, Y4, Y4
	VADDPS Y9, Y5, Y5
	VMOVUPS Y4, (DI)
	VMOVUPS Y5, 32(DI)
	VZEROUPPER
	RET

// PAIR loads four floats at A and, four rows on, four at B into the halves of Y, whose low
// half is X.
#define PAIR(A, B, X, Y) \
	VMOVUPS     A, X; \
	VINSERTF128 $1, B, Y, Y

// TURN transposes eight rows × four columns at s of SI to four rows × eight columns at d
// of DI.
#define TURN(s, d) \
	PAIR((s+0)(SI), (s+256)(SI), X0, Y0);   \
	PAIR((s+64)(SI), (s+320)(SI), X1, Y1);  \
	PAIR((s+128)(SI), (s+384)(SI), X2, Y2); \
	PAIR((s+192)(SI), (s+448)(SI), X3, Y3); \
	VUNPCKLPS Y1, Y0, Y4;                   \
	VUNPCKHPS Y1, Y0, Y5;                   \
	VUNPCKLPS Y3, Y2, Y6;                   \
	VUNPCKHPS Y3, Y2, Y7;                   \
	VUNPCKLPD Y6, Y4, Y0;                   \
	VUNPCKHPD Y6, Y4, Y1;                   \
	VUNPCKLPD Y7, Y5, Y2;                   \
	VUNPCKHPD Y7, Y5, Y3;                   \
	VMOVUPS Y0, (d+0)(DI);                  \
	VMOVUPS Y1, (d+64)(DI);                 \
	VMOVUPS Y2, (d+128)(DI);                \
	VMOVUPS Y3, (d+192)(DI)

// func transposeAVX2(dst *float32, dstStride int, src *float32, blocks int)
//
//	DI, R8  where the block goes, the stride
//	SI      the block
//	CX      blocks left
TEXT ·transposeAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R8
	MOVQ src+16(FP), SI
	MOVQ blocks+24(FP), CX
	SHLQ $2, R8
	PCALIGN $64
block:
	TURN(0, 0)
	TURN(16, 256)
	TURN(32, 512)
	TURN(48, 768)
	TURN(512, 32)
	TURN(528, 288)
	TURN(544, 544)
	TURN(560, 800)
	ADDQ $1024, SI
	ADDQ R8, DI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// --- Vectors ----------------------------------------------------------------

// func biasAVX2(b *float32, panels int, x *float32, stride int, scale *float32, rows int, rate float32)
//
//	DI, SI   the panel of b and of x
//	R12, R8  the next row of x, the stride
//	BX, R13  scale, the next of it
//	DX, CX   panels left, rows left
//	Y4, Y5   the gradient
TEXT ·biasAVX2(SB), NOSPLIT, $0-52
	MOVQ b+0(FP), DI
	MOVQ panels+8(FP), DX
	MOVQ x+16(FP), SI
	MOVQ stride+24(FP), R8
	MOVQ scale+32(FP), BX
	SHLQ $2, R8
panel:
	MOVQ SI, R12
	MOVQ BX, R13
	MOVQ rows+40(FP), CX
	ZERO1
next:
	VBROADCASTSS (R13), Y0
	AXPY((R12), 32(R12), Y4, Y5)
	ADDQ R8, R12
	ADDQ $4, R13
	DECQ CX
	JNE next
	VXORPS Y0, Y0, Y0
	VADDPS Y0, Y4, Y4
	VADDPS Y0, Y5, Y5
	VBROADCASTSS rate+48(FP), Y0
	VMOVUPS (DI), Y2
	VMOVUPS 32(DI), Y3
	VFMADD231PS Y4, Y0, Y2
	VFMADD231PS Y5, Y0, Y3
	VMOVUPS Y2, (DI)
	VMOVUPS Y3, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ DX
	JNE panel
	VZEROUPPER
	RET

// func scaleAVX2(dst, src *float32, panels int, by float32)
//
//	DI, SI  dst, src
//	CX      panels left
//	Y0      by
TEXT ·scaleAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ panels+16(FP), CX
	VBROADCASTSS by+24(FP), Y0
next:
	VMULPS (SI), Y0, Y1
	VMULPS 32(SI), Y0, Y2
	VMOVUPS Y1, (DI)
	VMOVUPS Y2, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	DECQ CX
	JNE next
	VZEROUPPER
	RET

// ADAM moves eight parameters at d of each array.
#define ADAM(d) \
	VMOVUPS (d)(SI), Y0;       /* g */      \
	VMULPS  (d)(DX), Y8, Y1;                \
	VMULPS  Y0, Y9, Y2;                     \
	VADDPS  Y2, Y1, Y1;        /* mean */   \
	VMULPS  (d)(BX), Y10, Y3;               \
	VMULPS  Y0, Y11, Y4;                    \
	VMULPS  Y0, Y4, Y4;                     \
	VADDPS  Y4, Y3, Y3;        /* square */ \
	VMOVUPS Y1, (d)(DX);                    \
	VMOVUPS Y3, (d)(BX);                    \
	VMULPS  Y1, Y12, Y1;                    \
	VSQRTPS Y3, Y3;                         \
	VADDPS  Y13, Y3, Y3;                    \
	VDIVPS  Y3, Y1, Y1;                     \
	VADDPS  (d)(DI), Y1, Y1;                \
	VMOVUPS Y1, (d)(DI)

// func adamAVX2(w, grad, mean, square *float32, panels int, rate float32)
//
//	DI, SI, DX, BX  w, grad, mean, square
//	CX              panels left
//	Y8, Y9          what mean keeps, what grad adds to it
//	Y10, Y11        the same for square
//	Y12, Y13        the rate, epsilon
TEXT ·adamAVX2(SB), NOSPLIT, $0-44
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ mean+16(FP), DX
	MOVQ square+24(FP), BX
	MOVQ panels+32(FP), CX
	VMOVUPS KEEPMEAN, Y8
	VMOVUPS ADDMEAN, Y9
	VMOVUPS KEEPSQUARE, Y10
	VMOVUPS ADDSQUARE, Y11
	VBROADCASTSS rate+40(FP), Y12
	VMOVUPS EPSILON, Y13
next:
	ADAM(0)
	ADAM(32)
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $64, BX
	DECQ CX
	JNE next
	VZEROUPPER
	RET

// EIGHT appends those of the eight numbers at A that are not 0: their places to DI and
// their values to SI.
#define EIGHT(A) \
	VMOVUPS   A, Y0;              \
	VCMPPS    NEQ_UQ, Y6, Y0, Y1; \
	VMOVMSKPS Y1, AX;             \
	VPMOVZXBD (R8)(AX*8), Y2;     \
	VPERMPS   Y0, Y2, Y3;         \
	VPADDD    Y5, Y2, Y2;         \
	VMOVDQU   Y2, (DI)(BX*4);     \
	VMOVUPS   Y3, (SI)(BX*4);     \
	POPCNTL   AX, AX;             \
	ADDQ      AX, BX;             \
	VPADDD    Y4, Y5, Y5

// func listAVX2(index *int32, value, x *float32, panels int, first int32) int
//
//	DI, SI, BX  index, value, their length
//	DX          x
//	CX          panels left
//	R8          places
//	Y5, Y4      the index of the next number, 8
//	Y6          0
TEXT ·listAVX2(SB), NOSPLIT, $0-48
	MOVQ index+0(FP), DI
	MOVQ value+8(FP), SI
	MOVQ x+16(FP), DX
	MOVQ panels+24(FP), CX
	LEAQ ·places(SB), R8
	XORQ BX, BX
	MOVL $8, AX
	VMOVD AX, X4
	VPBROADCASTD X4, Y4
	VBROADCASTSS first+32(FP), Y5
	VXORPS Y6, Y6, Y6
next:
	EIGHT((DX))
	EIGHT(32(DX))
	ADDQ $64, DX
	DECQ CX
	JNE next
	MOVQ BX, ret+40(FP)
	VZEROUPPER
	RET
