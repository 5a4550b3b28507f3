package g722

// Steps that a stream begins with (clause 6.2, reset values of DET).
const (
	lowStep  = 32
	highStep = 8
)

// Limits of the logarithm of a step (LOGSCL, LOGSCH).
const (
	lowLogMost  = 18432
	highLogMost = 22528
)

// lowLevels are the decision levels of the lower band in steps (table 14, Q6);
// highLevel is the only one of the upper (Q2).
var lowLevels = [30]int32{
	0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650,
	714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
}

const highLevel = 564

// lowCodes are the codes of the intervals between the levels, for positive and
// for negative differences (table 15). Codes 0 to 3 do not occur: a line full of
// zeros would be taken for a loss of the signal.
var lowCodes = [2][30]byte{
	{61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32},
	{63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4},
}

var highCodes = [2][2]byte{{3, 2}, {1, 0}}

// lowValues, coarseValues and highValues are what a code stands for, in 32768ths
// of a step (tables 17 and 18: QQ6, QQ4 and QQ2 with their signs).
var (
	lowValues = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	coarseValues = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	highValues = [4]int32{-7408, -1616, 7408, 1616}
)

// lowMoves and highMoves are by how much a code moves the logarithm of the step
// (table 19: WL and WH, by code).
var (
	lowMoves = [16]int32{
		-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
	}
	highMoves = [4]int32{798, -214, 798, -214}
)

// antilogs is 2048·2^(i/32), rounded (table 20, ILB).
var antilogs = [32]int32{
	2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
	2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
}

// lowSteps and highSteps are the step for each logarithm, without its lowest six
// bits (SCALEL, SCALEH).
var (
	lowSteps  = stepsOf[[lowLogMost>>6 + 1]int32](8)
	highSteps = stepsOf[[highLogMost>>6 + 1]int32](10)
)

func stepsOf[T [lowLogMost>>6 + 1]int32 | [highLogMost>>6 + 1]int32](shift int) (table T) {
	for i := range len(table) {
		step := antilogs[i%32]
		if down := shift - i/32; down >= 0 {
			step >>= down
		} else {
			step <<= -down
		}
		table[i] = step << 2
	}
	return table
}
