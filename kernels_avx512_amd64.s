// The kernels' loops in AVX-512 (F and DQ). kernels_generic.go defines what they
// compute; those of kernels_amd64.s do the same on half as many columns at once.
//
// A panel is 16 columns: one register. Operands are in Go's order, the
// destination last.

#include "go_asm.h"
#include "textflag.h"

// --- Tiles ------------------------------------------------------------------

// A tile is up to 13 rows × 2 panels. The sums of row i are Z(6+2i) and Z(7+2i).
// Rows 0 to 4 are reached from one pointer, rows 5 to 9 from another, five strides
// on, and rows 10 to 12 from a third.

// WROW adds x·(Z0, Z1), x being at address A, to the sums S and T, using B.
#define WROW(A, B, S, T) \
	VBROADCASTSS A, B;       \
	VFMADD231PS  Z0, B, S;   \
	VFMADD231PS  Z1, B, T

// WTERM1 … WTERM13 add the term of unit d: weights at BX and, of the second panel,
// DX bytes on; rows at R12, R13 and R15, which are R10 bytes apart. R11 is 3·R10.
#define WTERM1(d) \
	VMOVUPS (64*d)(BX), Z0;          \
	VMOVUPS (64*d)(BX)(DX*1), Z1;    \
	WROW((4*d)(R12), Z2, Z6, Z7)
#define WTERM2(d) WTERM1(d); WROW((4*d)(R12)(R10*1), Z3, Z8, Z9)
#define WTERM3(d) WTERM2(d); WROW((4*d)(R12)(R10*2), Z4, Z10, Z11)
#define WTERM4(d) WTERM3(d); WROW((4*d)(R12)(R11*1), Z5, Z12, Z13)
#define WTERM5(d) WTERM4(d); WROW((4*d)(R12)(R10*4), Z2, Z14, Z15)
#define WTERM6(d) WTERM5(d); WROW((4*d)(R13), Z3, Z16, Z17)
#define WTERM7(d) WTERM6(d); WROW((4*d)(R13)(R10*1), Z4, Z18, Z19)
#define WTERM8(d) WTERM7(d); WROW((4*d)(R13)(R10*2), Z5, Z20, Z21)
#define WTERM9(d) WTERM8(d); WROW((4*d)(R13)(R11*1), Z2, Z22, Z23)
#define WTERM10(d) WTERM9(d); WROW((4*d)(R13)(R10*4), Z3, Z24, Z25)
#define WTERM11(d) WTERM10(d); WROW((4*d)(R15), Z4, Z26, Z27)
#define WTERM12(d) WTERM11(d); WROW((4*d)(R15)(R10*1), Z5, Z28, Z29)
#define WTERM13(d) WTERM12(d); WROW((4*d)(R15)(R10*2), Z2, Z30, Z31)

// WLOAD1 … WLOAD13 load the sums from CX on, rows R9 bytes apart.
#define WLOAD(S, T) \
	VMOVUPS (CX), S;      \
	VMOVUPS 64(CX), T;    \
	ADDQ    R9, CX
#define WLOAD1 WLOAD(Z6, Z7)
#define WLOAD2 WLOAD1; WLOAD(Z8, Z9)
#define WLOAD3 WLOAD2; WLOAD(Z10, Z11)
#define WLOAD4 WLOAD3; WLOAD(Z12, Z13)
#define WLOAD5 WLOAD4; WLOAD(Z14, Z15)
#define WLOAD6 WLOAD5; WLOAD(Z16, Z17)
#define WLOAD7 WLOAD6; WLOAD(Z18, Z19)
#define WLOAD8 WLOAD7; WLOAD(Z20, Z21)
#define WLOAD9 WLOAD8; WLOAD(Z22, Z23)
#define WLOAD10 WLOAD9; WLOAD(Z24, Z25)
#define WLOAD11 WLOAD10; WLOAD(Z26, Z27)
#define WLOAD12 WLOAD11; WLOAD(Z28, Z29)
#define WLOAD13 WLOAD12; WLOAD(Z30, Z31)

// WSTORE1 … WSTORE13 add +0 (Z0) to the sums and store them to DI on, rows R8 bytes apart.
#define WSTORE(S, T) \
	VADDPS  Z0, S, S;     \
	VADDPS  Z0, T, T;     \
	VMOVUPS S, (DI);      \
	VMOVUPS T, 64(DI);    \
	ADDQ    R8, DI
#define WSTORE1 WSTORE(Z6, Z7)
#define WSTORE2 WSTORE1; WSTORE(Z8, Z9)
#define WSTORE3 WSTORE2; WSTORE(Z10, Z11)
#define WSTORE4 WSTORE3; WSTORE(Z12, Z13)
#define WSTORE5 WSTORE4; WSTORE(Z14, Z15)
#define WSTORE6 WSTORE5; WSTORE(Z16, Z17)
#define WSTORE7 WSTORE6; WSTORE(Z18, Z19)
#define WSTORE8 WSTORE7; WSTORE(Z20, Z21)
#define WSTORE9 WSTORE8; WSTORE(Z22, Z23)
#define WSTORE10 WSTORE9; WSTORE(Z24, Z25)
#define WSTORE11 WSTORE10; WSTORE(Z26, Z27)
#define WSTORE12 WSTORE11; WSTORE(Z28, Z29)
#define WSTORE13 WSTORE12; WSTORE(Z30, Z31)

// WPRODUCT computes tiles of H rows, one below the other, over k units, four at a
// time. Its labels are arguments, because there is one for each height.
#define WPRODUCT(H, LOADS, TERM, STORES, tile, four, rest, one, done) \
tile:                             \
	MOVQ SI, CX;                  \
	LOADS;                        \
	MOVQ CX, SI;                  \
	MOVQ AX, R12;                 \
	LEAQ (R10)(R10*4), CX;        \
	LEAQ (R12)(CX*1), R13;        \
	LEAQ (R13)(CX*1), R15;        \
	MOVQ w+56(FP), BX;            \
	MOVQ k+72(FP), CX;            \
	SUBQ $4, CX;                  \
	JLT  rest;                    \
	PCALIGN $64;                  \
four:                             \
	TERM(0);                      \
	TERM(1);                      \
	TERM(2);                      \
	TERM(3);                      \
	ADDQ $16, R12;                \
	ADDQ $16, R13;                \
	ADDQ $16, R15;                \
	ADDQ $256, BX;                \
	SUBQ $4, CX;                  \
	JGE  four;                    \
rest:                             \
	ADDQ $4, CX;                  \
	JEQ  done;                    \
one:                              \
	TERM(0);                      \
	ADDQ $4, R12;                 \
	ADDQ $4, R13;                 \
	ADDQ $4, R15;                 \
	ADDQ $64, BX;                 \
	DECQ CX;                      \
	JNE  one;                     \
done:                             \
	VPXORD Z0, Z0, Z0;            \
	STORES;                       \
	IMUL3Q $H, R10, CX;           \
	ADDQ CX, AX;                  \
	DECQ tiles+80(FP);            \
	JNE  tile;                    \
	VZEROUPPER;                   \
	RET

// WGRAD1 … WGRAD13 add the term of one row to the gradient of a tile: upper units at
// R13, lower units at R12.
#define WGRAD1 \
	VMOVUPS (R13), Z0;          \
	VMOVUPS 64(R13), Z1;        \
	WROW((R12), Z2, Z6, Z7)
#define WGRAD2 WGRAD1; WROW(4(R12), Z3, Z8, Z9)
#define WGRAD3 WGRAD2; WROW(8(R12), Z4, Z10, Z11)
#define WGRAD4 WGRAD3; WROW(12(R12), Z5, Z12, Z13)
#define WGRAD5 WGRAD4; WROW(16(R12), Z2, Z14, Z15)
#define WGRAD6 WGRAD5; WROW(20(R12), Z3, Z16, Z17)
#define WGRAD7 WGRAD6; WROW(24(R12), Z4, Z18, Z19)
#define WGRAD8 WGRAD7; WROW(28(R12), Z5, Z20, Z21)
#define WGRAD9 WGRAD8; WROW(32(R12), Z2, Z22, Z23)
#define WGRAD10 WGRAD9; WROW(36(R12), Z3, Z24, Z25)
#define WGRAD11 WGRAD10; WROW(40(R12), Z4, Z26, Z27)
#define WGRAD12 WGRAD11; WROW(44(R12), Z5, Z28, Z29)
#define WGRAD13 WGRAD12; WROW(48(R12), Z2, Z30, Z31)

// WZERO1 … WZERO13 clear the sums.
#define WZERO(S, T) \
	VPXORD S, S, S; \
	VPXORD T, T, T
#define WZERO1 WZERO(Z6, Z7)
#define WZERO2 WZERO1; WZERO(Z8, Z9)
#define WZERO3 WZERO2; WZERO(Z10, Z11)
#define WZERO4 WZERO3; WZERO(Z12, Z13)
#define WZERO5 WZERO4; WZERO(Z14, Z15)
#define WZERO6 WZERO5; WZERO(Z16, Z17)
#define WZERO7 WZERO6; WZERO(Z18, Z19)
#define WZERO8 WZERO7; WZERO(Z20, Z21)
#define WZERO9 WZERO8; WZERO(Z22, Z23)
#define WZERO10 WZERO9; WZERO(Z24, Z25)
#define WZERO11 WZERO10; WZERO(Z26, Z27)
#define WZERO12 WZERO11; WZERO(Z28, Z29)
#define WZERO13 WZERO12; WZERO(Z30, Z31)

// WMOVE moves the 16 weights at A by their gradient G. The pull is P, the rate Z2, +0
// is Z5, and Z3 is used.
#define WMOVE(A, G, P) \
	VADDPS       Z5, G, G;    \
	VMOVUPS      A, Z3;       \
	VFNMADD231PS P, Z3, G;    \
	VFMADD231PS  G, Z2, Z3;   \
	VMOVUPS      Z3, A

// WMOVE1 … WMOVE13 move the weights of a tile, at DI and DX bytes on. The pull is in
// Z0 and Z1.
#define WMOVE1 WMOVE((DI), Z6, Z0); WMOVE((DI)(DX*1), Z7, Z1)
#define WMOVE2 WMOVE1; WMOVE(64(DI), Z8, Z0); WMOVE(64(DI)(DX*1), Z9, Z1)
#define WMOVE3 WMOVE2; WMOVE(128(DI), Z10, Z0); WMOVE(128(DI)(DX*1), Z11, Z1)
#define WMOVE4 WMOVE3; WMOVE(192(DI), Z12, Z0); WMOVE(192(DI)(DX*1), Z13, Z1)
#define WMOVE5 WMOVE4; WMOVE(256(DI), Z14, Z0); WMOVE(256(DI)(DX*1), Z15, Z1)
#define WMOVE6 WMOVE5; WMOVE(320(DI), Z16, Z0); WMOVE(320(DI)(DX*1), Z17, Z1)
#define WMOVE7 WMOVE6; WMOVE(384(DI), Z18, Z0); WMOVE(384(DI)(DX*1), Z19, Z1)
#define WMOVE8 WMOVE7; WMOVE(448(DI), Z20, Z0); WMOVE(448(DI)(DX*1), Z21, Z1)
#define WMOVE9 WMOVE8; WMOVE(512(DI), Z22, Z0); WMOVE(512(DI)(DX*1), Z23, Z1)
#define WMOVE10 WMOVE9; WMOVE(576(DI), Z24, Z0); WMOVE(576(DI)(DX*1), Z25, Z1)
#define WMOVE11 WMOVE10; WMOVE(640(DI), Z26, Z0); WMOVE(640(DI)(DX*1), Z27, Z1)
#define WMOVE12 WMOVE11; WMOVE(704(DI), Z28, Z0); WMOVE(704(DI)(DX*1), Z29, Z1)
#define WMOVE13 WMOVE12; WMOVE(768(DI), Z30, Z0); WMOVE(768(DI)(DX*1), Z31, Z1)

// WLEARN learns tiles of H units, one below the other.
#define WLEARN(H, ZEROS, GRAD, MOVES, tile, next) \
tile:                            \
	MOVQ AX, R12;                \
	MOVQ BX, R13;                \
	MOVQ rows+56(FP), CX;        \
	ZEROS;                       \
	PCALIGN $64;                 \
next:                            \
	GRAD;                        \
	ADDQ R8, R12;                \
	ADDQ R9, R13;                \
	DECQ CX;                     \
	JNE  next;                   \
	VMOVUPS (SI), Z0;            \
	VMOVUPS 64(SI), Z1;          \
	VBROADCASTSS rate+72(FP), Z2; \
	VPXORD Z5, Z5, Z5;           \
	MOVES;                       \
	ADDQ $(64*H), DI;            \
	ADDQ $(4*H), AX;             \
	DECQ tiles+80(FP);           \
	JNE  tile;                   \
	VZEROUPPER;                  \
	RET

// CASE goes to a label if CX, the height of a tile, is h.
#define CASE(h, label) \
	CMPQ CX, $h; \
	JEQ  label

// --- Lists of nonzeros ------------------------------------------------------

// WPANELS makes BX, R8, R9 and R10 point to four panels, R10 bytes apart, from BX.
#define WPANELS \
	LEAQ (BX)(R10*1), R8;   \
	LEAQ (BX)(R10*2), R9;   \
	ADDQ R9, R10

// WTAKE4 adds the weights of unit (SI) in four panels, times (DX), to Z6 … Z9, and
// WTAKE8 those in eight to Z6 … Z13; R15 is four times a panel's bytes. A unit's weights
// are 64 bytes.
#define WTAKE4 \
	MOVLQSX      (SI), R12;             \
	SHLQ         $6, R12;               \
	VBROADCASTSS (DX), Z0;              \
	VFMADD231PS  (BX)(R12*1), Z0, Z6;   \
	VFMADD231PS  (R8)(R12*1), Z0, Z7;   \
	VFMADD231PS  (R9)(R12*1), Z0, Z8;   \
	VFMADD231PS  (R10)(R12*1), Z0, Z9
#define WTAKE8 \
	WTAKE4;                             \
	ADDQ         R15, R12;              \
	VFMADD231PS  (BX)(R12*1), Z0, Z10;  \
	VFMADD231PS  (R8)(R12*1), Z0, Z11;  \
	VFMADD231PS  (R9)(R12*1), Z0, Z12;  \
	VFMADD231PS  (R10)(R12*1), Z0, Z13

// WNONZERO is the body of nonzero4AVX512 and nonzero8AVX512.
#define WNONZERO(TAKE) \
	MOVQ index+16(FP), SI;        \
	MOVQ value+24(FP), DX;        \
	MOVQ n+32(FP), CX;            \
	MOVQ w+40(FP), BX;            \
	MOVQ panelStride+48(FP), R10; \
	SHLQ $2, R10;                 \
	LEAQ (R10*4), R15;            \
	WPANELS;                      \
	PCALIGN $64;                  \
next:                             \
	TAKE;                         \
	ADDQ $4, SI;                  \
	ADDQ $4, DX;                  \
	DECQ CX;                      \
	JNE  next;                    \
	MOVQ out+0(FP), DI;           \
	VPXORD Z0, Z0, Z0

// WBIAS loads four sums from d of AX, and WPUT adds +0 to them and stores them to d of DI.
#define WBIAS(d, A, B, C, D) \
	VMOVUPS (d+0)(AX), A;     \
	VMOVUPS (d+64)(AX), B;    \
	VMOVUPS (d+128)(AX), C;   \
	VMOVUPS (d+192)(AX), D
#define WPUT(d, A, B, C, D) \
	VADDPS  Z0, A, A;         \
	VADDPS  Z0, B, B;         \
	VADDPS  Z0, C, C;         \
	VADDPS  Z0, D, D;         \
	VMOVUPS A, (d+0)(DI);     \
	VMOVUPS B, (d+64)(DI);    \
	VMOVUPS C, (d+128)(DI);   \
	VMOVUPS D, (d+192)(DI)

// WROW4 adds the upper units of row (SI), four panels of them, times (DX), to Z6 … Z9, and
// WROW8 eight panels to Z6 … Z13. R11 is a row's bytes.
#define WROW4 \
	MOVLQSX      (SI), R12;               \
	IMULQ        R11, R12;                \
	VBROADCASTSS (DX), Z0;                \
	ADDQ         y+40(FP), R12;           \
	VFMADD231PS  (R12), Z0, Z6;           \
	VFMADD231PS  64(R12), Z0, Z7;         \
	VFMADD231PS  128(R12), Z0, Z8;        \
	VFMADD231PS  192(R12), Z0, Z9
#define WROW8 \
	WROW4;                                \
	VFMADD231PS  256(R12), Z0, Z10;       \
	VFMADD231PS  320(R12), Z0, Z11;       \
	VFMADD231PS  384(R12), Z0, Z12;       \
	VFMADD231PS  448(R12), Z0, Z13

// WLISTS is the body of learnNonzero4AVX512 and learnNonzero8AVX512: ZEROS clears the sums, and
// MOVES moves a unit's weights, in panels at BX, R8, R9 and R10 and, R15 bytes on, four more.
#define WLISTS(ZEROS, ROWS, MOVES) \
	MOVQ w+0(FP), BX;             \
	MOVQ panelStride+8(FP), R10;  \
	MOVQ start+16(FP), AX;        \
	MOVQ index+24(FP), SI;        \
	MOVQ value+32(FP), DX;        \
	MOVQ yStride+48(FP), R11;     \
	MOVQ pull+56(FP), R13;        \
	VBROADCASTSS rate+64(FP), Z2; \
	VPXORD Z5, Z5, Z5;            \
	MOVQ units+72(FP), DI;        \
	SHLQ $2, R10;                 \
	SHLQ $2, R11;                 \
	LEAQ (R10*4), R15;            \
	WPANELS;                      \
	MOVLQSX (AX), R12;            \
	LEAQ (SI)(R12*4), SI;         \
	LEAQ (DX)(R12*4), DX;         \
unit:                             \
	MOVL 4(AX), CX;               \
	SUBL (AX), CX;                \
	ADDQ $4, AX;                  \
	ZEROS;                        \
	JCXZQ move;                   \
next:                             \
	ROWS;                         \
	ADDQ $4, SI;                  \
	ADDQ $4, DX;                  \
	DECQ CX;                      \
	JNE next;                     \
move:                             \
	MOVES;                        \
	ADDQ $64, BX;                 \
	ADDQ $64, R8;                 \
	ADDQ $64, R9;                 \
	ADDQ $64, R10;                \
	DECQ DI;                      \
	JNE unit;                     \
	VZEROUPPER;                   \
	RET

#define WMOVES4 \
	WMOVE((BX), Z6, (R13));             \
	WMOVE((R8), Z7, 64(R13));           \
	WMOVE((R9), Z8, 128(R13));          \
	WMOVE((R10), Z9, 192(R13))
#define WMOVES8 \
	WMOVES4;                            \
	WMOVE((BX)(R15*1), Z10, 256(R13));  \
	WMOVE((R8)(R15*1), Z11, 320(R13));  \
	WMOVE((R9)(R15*1), Z12, 384(R13));  \
	WMOVE((R10)(R15*1), Z13, 448(R13))

// --- Products and gradients from dense rows ---------------------------------

// func productAVX512(height int, out *float32, outStride int, start *float32, startStride int, x *float32, xStride int,
//	w *float32, panelStride, k, tiles int)
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
	WPRODUCT(1, WLOAD1, WTERM1, WSTORE1, tile1, four1, rest1, one1, done1)
	WPRODUCT(2, WLOAD2, WTERM2, WSTORE2, tile2, four2, rest2, one2, done2)
	WPRODUCT(3, WLOAD3, WTERM3, WSTORE3, tile3, four3, rest3, one3, done3)
	WPRODUCT(4, WLOAD4, WTERM4, WSTORE4, tile4, four4, rest4, one4, done4)
	WPRODUCT(5, WLOAD5, WTERM5, WSTORE5, tile5, four5, rest5, one5, done5)
	WPRODUCT(6, WLOAD6, WTERM6, WSTORE6, tile6, four6, rest6, one6, done6)
	WPRODUCT(7, WLOAD7, WTERM7, WSTORE7, tile7, four7, rest7, one7, done7)
	WPRODUCT(8, WLOAD8, WTERM8, WSTORE8, tile8, four8, rest8, one8, done8)
	WPRODUCT(9, WLOAD9, WTERM9, WSTORE9, tile9, four9, rest9, one9, done9)
	WPRODUCT(10, WLOAD10, WTERM10, WSTORE10, tile10, four10, rest10, one10, done10)
	WPRODUCT(11, WLOAD11, WTERM11, WSTORE11, tile11, four11, rest11, one11, done11)
	WPRODUCT(12, WLOAD12, WTERM12, WSTORE12, tile12, four12, rest12, one12, done12)
	WPRODUCT(13, WLOAD13, WTERM13, WSTORE13, tile13, four13, rest13, one13, done13)

// func learnAVX512(height int, w *float32, panelStride int, x *float32, xStride int, y *float32, yStride, rows int,
//	pull *float32, rate float32, tiles int)
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
	WLEARN(1, WZERO1, WGRAD1, WMOVE1, tile1, next1)
	WLEARN(2, WZERO2, WGRAD2, WMOVE2, tile2, next2)
	WLEARN(3, WZERO3, WGRAD3, WMOVE3, tile3, next3)
	WLEARN(4, WZERO4, WGRAD4, WMOVE4, tile4, next4)
	WLEARN(5, WZERO5, WGRAD5, WMOVE5, tile5, next5)
	WLEARN(6, WZERO6, WGRAD6, WMOVE6, tile6, next6)
	WLEARN(7, WZERO7, WGRAD7, WMOVE7, tile7, next7)
	WLEARN(8, WZERO8, WGRAD8, WMOVE8, tile8, next8)
	WLEARN(9, WZERO9, WGRAD9, WMOVE9, tile9, next9)
	WLEARN(10, WZERO10, WGRAD10, WMOVE10, tile10, next10)
	WLEARN(11, WZERO11, WGRAD11, WMOVE11, tile11, next11)
	WLEARN(12, WZERO12, WGRAD12, WMOVE12, tile12, next12)
	WLEARN(13, WZERO13, WGRAD13, WMOVE13, tile13, next13)

// --- Products and gradients from lists --------------------------------------

// func nonzero4AVX512(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)
TEXT ·nonzero4AVX512(SB), NOSPLIT, $0-56
	MOVQ start+8(FP), AX
	WBIAS(0, Z6, Z7, Z8, Z9)
	WNONZERO(WTAKE4)
	WPUT(0, Z6, Z7, Z8, Z9)
	VZEROUPPER
	RET

// func nonzero8AVX512(out, start *float32, index *int32, value *float32, n int, w *float32, panelStride int)
TEXT ·nonzero8AVX512(SB), NOSPLIT, $0-56
	MOVQ start+8(FP), AX
	WBIAS(0, Z6, Z7, Z8, Z9)
	WBIAS(256, Z10, Z11, Z12, Z13)
	WNONZERO(WTAKE8)
	WPUT(0, Z6, Z7, Z8, Z9)
	WPUT(256, Z10, Z11, Z12, Z13)
	VZEROUPPER
	RET

// func learnNonzero4AVX512(w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)
TEXT ·learnNonzero4AVX512(SB), NOSPLIT, $0-80
	WLISTS(WZERO2, WROW4, WMOVES4)

// func learnNonzero8AVX512(w *float32, panelStride int, start, index *int32, value, y *float32, yStride int, pull *float32, rate float32, units int)
TEXT ·learnNonzero8AVX512(SB), NOSPLIT, $0-80
	WLISTS(WZERO4, WROW8, WMOVES8)

// --- Sigmoid, softplus and sampling -----------------------------------------

// Constants in registers.
#define WSIGN   Z14
#define WLOG2E  Z15
#define WROUNDS Z16
#define WLN2HI  Z17
#define WLN2LO  Z18
#define WEXPC2  Z19
#define WEXPC3  Z20
#define WEXPC4  Z21
#define WEXPC5  Z22
#define WEXPC6  Z23
#define WONE    Z24
#define WEXPLOW Z25

// WCONST fills Z with the constant c of kernels_constants.go.
#define WCONST(c, Z) VBROADCASTSS ·constants+c(SB), Z
#define WCONSTS \
	WCONST(constant_sign, WSIGN);    \
	WCONST(constant_log2e, WLOG2E);   \
	WCONST(constant_rounds, WROUNDS);  \
	WCONST(constant_ln2Hi, WLN2HI);   \
	WCONST(constant_ln2Lo, WLN2LO);   \
	WCONST(constant_expC2, WEXPC2);   \
	WCONST(constant_expC3, WEXPC3);   \
	WCONST(constant_expC4, WEXPC4);   \
	WCONST(constant_expC5, WEXPC5);   \
	WCONST(constant_expC6, WEXPC6);   \
	WCONST(constant_one, WONE);     \
	WCONST(constant_expLow, WEXPLOW)

// WEXP makes E = exp(−|X|), using T, S and K1.
#define WEXP(X, T, E, S) \
	VPORD        X, WSIGN, T;      /* z = −|x| */          \
	VCMPPS       $21, WEXPLOW, T, K1; /* z ≥ −87, or NaN */ \
	VMOVAPS      WROUNDS, S;                               \
	VFMADD231PS  WLOG2E, T, S;     /* n in the low bits */ \
	VSUBPS       WROUNDS, S, E;    /* n */                 \
	VPSLLD       $23, S, S;        /* 2ⁿ */                \
	VFNMADD231PS WLN2HI, E, T;                             \
	VFNMADD231PS WLN2LO, E, T;     /* t = z − n·ln 2 */    \
	VMOVAPS      WEXPC6, E;                                \
	VFMADD213PS  WEXPC5, T, E;                             \
	VFMADD213PS  WEXPC4, T, E;                             \
	VFMADD213PS  WEXPC3, T, E;                             \
	VFMADD213PS  WEXPC2, T, E;                             \
	VFMADD213PS  WONE, T, E;                               \
	VFMADD213PS  WONE, T, E;                               \
	VMULPS.Z     S, E, K1, E

// WSIGMOID makes X the sigmoid of X, using T, E, S, K1 and K2.
#define WSIGMOID(X, T, E, S) \
	WEXP(X, T, E, S);                                      \
	VADDPS       WONE, E, T;                               \
	VPMOVD2M     X, K2;                                    \
	VBLENDMPS    E, WONE, K2, S;   /* x < 0 ? e : 1 */     \
	VDIVPS       T, S, X

// func sigmoidAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int, change *float32)
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-56
	MOVQ out+0(FP), DI
	MOVQ outStride+8(FP), R8
	MOVQ pre+16(FP), SI
	MOVQ preStride+24(FP), R9
	MOVQ rows+32(FP), DX
	MOVQ change+48(FP), BX
	SHLQ $2, R8
	SHLQ $2, R9
	WCONSTS
row:
	MOVQ DI, R10
	MOVQ SI, R11
	MOVQ panels+40(FP), CX
	VMOVSS (BX), X8
panel:
	VMOVUPS (R11), Z0
	WSIGMOID(Z0, Z1, Z2, Z3)
	VSUBPS (R10), Z0, Z1
	VPANDND Z1, WSIGN, Z1 // |new − old|; a NaN changes nothing
	VMAXPS Z8, Z1, Z8
	VMOVUPS Z0, (R10)
	ADDQ $64, R10
	ADDQ $64, R11
	DECQ CX
	JNE panel
	VEXTRACTF64X4 $1, Z8, Y9
	VMAXPS Y8, Y9, Y8
	VEXTRACTF128 $1, Y8, X9
	VMAXPS X8, X9, X8
	VPSHUFD $0x4e, X8, X9
	VMAXPS X8, X9, X8
	VPSHUFD $0xb1, X8, X9
	VMAXPS X8, X9, X8
	VMOVSS X8, (BX)
	ADDQ $4, BX
	ADDQ R8, DI
	ADDQ R9, SI
	DECQ DX
	JNE row
	VZEROUPPER
	RET

// WPHILOX is round r of Philox on eight counters C0 … C3, each in the low half of a
// 64-bit lane. Words 1 and 3 move to N1 and N3. The round's keys are on the stack, the
// multipliers Z26 and Z27.
#define WPHILOX(r, C0, C1, C2, C3, N1, N3) \
	VPMULUDQ        Z27, C2, N1;                      \
	VPMULUDQ        Z26, C0, N3;                      \
	VPSRLQ          $32, N1, C0;                      \
	VPTERNLOGD.BCST $0x96, keys-(80-8*r)(SP), C1, C0; \
	VPSRLQ          $32, N3, C2;                      \
	VPTERNLOGD.BCST $0x96, keys-(76-8*r)(SP), C3, C2

// WKEY stores the keys (R12, R13) of round r and bumps them.
#define WKEY(r) \
	MOVL R12, keys-(80-8*r)(SP);    \
	MOVL R13, keys-(76-8*r)(SP);    \
	ADDL ·constants+constant_philoxW0(SB), R12;          \
	ADDL ·constants+constant_philoxW1(SB), R13

// WBERNOULLI stores 1 to A where the uniform number of word W is below P, else 0.
#define WBERNOULLI(W, P, A) \
	VPSRLD    $8, W, W;       \
	VCVTDQ2PS W, W;           \
	VMULPS    Z28, W, W;      \
	VCMPPS    $17, P, W, K1;  \
	VMOVAPS.Z WONE, K1, W;    \
	VMOVUPS   W, A

// func sampleAVX512(out *float32, outStride int, pre *float32, preStride, rows, panels int, key0, key1, counter, row, update, tag uint32)
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
	WKEY(0)
	WKEY(1)
	WKEY(2)
	WKEY(3)
	WKEY(4)
	WKEY(5)
	WKEY(6)
	WKEY(7)
	WKEY(8)
	WKEY(9)
	WCONSTS
	WCONST(constant_philoxM0, Z26)
	WCONST(constant_philoxM1, Z27)
	WCONST(constant_uniformUnit, Z28) // 2⁻²⁴
	VPMOVZXBQ ·constants+constant_iota8(SB), Z29
	VBROADCASTSS counter+56(FP), Z0
	VPADDD Z0, Z29, Z29     // the counters of two panels
	MOVL $8, AX
	VPBROADCASTD AX, Z30
	MOVL $0xaaaa, AX
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
	WPHILOX(0, Z0, Z1, Z2, Z3, Z4, Z5)
	WPHILOX(1, Z0, Z4, Z2, Z5, Z1, Z3)
	WPHILOX(2, Z0, Z1, Z2, Z3, Z4, Z5)
	WPHILOX(3, Z0, Z4, Z2, Z5, Z1, Z3)
	WPHILOX(4, Z0, Z1, Z2, Z3, Z4, Z5)
	WPHILOX(5, Z0, Z4, Z2, Z5, Z1, Z3)
	WPHILOX(6, Z0, Z1, Z2, Z3, Z4, Z5)
	WPHILOX(7, Z0, Z4, Z2, Z5, Z1, Z3)
	WPHILOX(8, Z0, Z1, Z2, Z3, Z4, Z5)
	WPHILOX(9, Z0, Z4, Z2, Z5, Z1, Z3)
	VPSHUFD $0xa0, Z1, K3, Z0     // units 0 to 7 of both panels
	VPSHUFD $0xa0, Z3, K3, Z2     // units 8 to 15
	VINSERTF64X4 $1, Y2, Z0, Z4   // the first panel
	VMOVUPS (R11), Z5
	WSIGMOID(Z5, Z6, Z7, Z8)
	WBERNOULLI(Z4, Z5, (R10))
	DECQ CX
	JEQ done
	VSHUFF64X2 $0xee, Z2, Z0, Z4  // the second
	VMOVUPS 64(R11), Z5
	WSIGMOID(Z5, Z6, Z7, Z8)
	WBERNOULLI(Z4, Z5, 64(R10))
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

// WSOFTPLUS makes X the softplus of X, using T, E, S and K1. The coefficients of
// log(1+e)/e are Z26 … Z31, WLOGC1 and WLOGC2.
#define WLOGC1 Z12
#define WLOGC2 Z13
#define WSOFTPLUS(X, T, E, S) \
	WEXP(X, T, E, S);            \
	VMOVAPS      Z31, S;         \
	VFMADD213PS  Z30, E, S;      \
	VFMADD213PS  Z29, E, S;      \
	VFMADD213PS  Z28, E, S;      \
	VFMADD213PS  Z27, E, S;      \
	VFMADD213PS  Z26, E, S;      \
	VFMADD213PS  WLOGC2, E, S;   \
	VFMADD213PS  WLOGC1, E, S;   \
	VFMADD213PS  WONE, E, S;     \
	VPXORD       T, T, T;        \
	VMAXPS       T, X, X;        \
	VFMADD231PS  S, E, X

// func softplusAVX512(pre, a, to, from *float32, betaTo, betaFrom float32, panels int, sums *float32)
TEXT ·softplusAVX512(SB), NOSPLIT, $0-56
	MOVQ pre+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ to+16(FP), R8
	MOVQ from+24(FP), R9
	VBROADCASTSS betaTo+32(FP), Z9
	VBROADCASTSS betaFrom+36(FP), Z10
	MOVQ panels+40(FP), CX
	MOVQ sums+48(FP), DX
	WCONSTS
	WCONST(constant_logC1, WLOGC1)
	WCONST(constant_logC2, WLOGC2)
	WCONST(constant_logC3, Z26)
	WCONST(constant_logC4, Z27)
	WCONST(constant_logC5, Z28)
	WCONST(constant_logC6, Z29)
	WCONST(constant_logC7, Z30)
	WCONST(constant_logC8, Z31)
	VMOVUPS (DX), Z11
panel:
	VMOVUPS (SI), Z2
	VMOVUPS (R8), Z0
	VMOVUPS (R9), Z1
	VFMADD231PS Z2, Z9, Z0
	VFMADD231PS Z2, Z10, Z1
	VMOVUPS Z0, (DI)
	WSOFTPLUS(Z0, Z3, Z4, Z5)
	WSOFTPLUS(Z1, Z6, Z7, Z8)
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

// --- Fine-tuning ------------------------------------------------------------

// func adamAVX512(w, grad, mean, square *float32, panels int, rate float32)
TEXT ·adamAVX512(SB), NOSPLIT, $0-44
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ mean+16(FP), DX
	MOVQ square+24(FP), BX
	MOVQ panels+32(FP), CX
	WCONST(constant_keepMean, Z8)  // 0.9
	WCONST(constant_addMean, Z9)  // 0.1
	WCONST(constant_keepSquare, Z10) // 0.999
	WCONST(constant_addSquare, Z11) // 0.001
	VBROADCASTSS rate+40(FP), Z12
	WCONST(constant_epsilon, Z13) // 10⁻⁸
next:
	VMOVUPS (SI), Z0    // g
	VMULPS (DX), Z8, Z1
	VMULPS Z0, Z9, Z2
	VADDPS Z2, Z1, Z1   // mean
	VMULPS (BX), Z10, Z3
	VMULPS Z0, Z11, Z4
	VMULPS Z0, Z4, Z4
	VADDPS Z4, Z3, Z3   // square
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

// --- Listing ----------------------------------------------------------------

// func listAVX512(index *int32, value, x *float32, panels int, first int32) int
TEXT ·listAVX512(SB), NOSPLIT, $0-48
	MOVQ index+0(FP), DI
	MOVQ value+8(FP), SI
	MOVQ x+16(FP), DX
	MOVQ panels+24(FP), CX
	XORQ BX, BX
	VPXORD Z4, Z4, Z4
	VBROADCASTSS first+32(FP), Z5
	VPMOVZXBD ·constants+constant_iota8(SB), Z6
	VPADDD Z6, Z5, Z5 // the places of the next 16
	MOVL $16, AX
	VPBROADCASTD AX, Z6
next:
	VMOVUPS (DX), Z0
	VCMPPS $4, Z4, Z0, K1 // not 0, or NaN
	VCOMPRESSPS.Z Z0, K1, Z1
	VPCOMPRESSD.Z Z5, K1, Z2
	// What lies behind the list is never behind the room: BX is at most the place
	// of the first of the 16.
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
