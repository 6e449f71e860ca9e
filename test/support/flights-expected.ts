/**
 * What the flights demo must find, computed apart from this code base: a Python program (numpy; window rates by sorted search,
 * Newton's method with a dense solve, AUC by ranks) that reads the same CSV. Features are plain means of `late` over flights
 * that departed in [t - window, t): 'known' counts those whose label was known by t, 'event' all of them. Models are
 * logistic regressions with l2 = 1 on standardised columns, with hour, weekday, origin and destination one-hot encoded, trained on
 * departures from 2001-01-08 to 2001-03-01. All times are UTC, weeks begin on Monday 00:00. bias = mean prediction - mean label.
 */
export const rates = [
  'origin_late_3h',
  'origin_late_24h',
  'destination_late_3h',
  'route_late_24h',
  'route_late_7d',
] as const

/** Allowed differences: float32 in the model file and the last digits printed here. */
export const tolerance = { probability: 2e-6, metric: 5e-5, share: 5e-5 } as const

export const trainingSet = {
  from: '2001-01-08T00:00:00.000Z',
  to: '2001-03-01T00:00:00.000Z',
  rows: 14137,
  labelMean: 0.244182,
  fitted: {
    v1: { auc: 0.70406, logLoss: 0.5041, bias: 0 },
    v2: { auc: 0.77488, logLoss: 0.45706, bias: 0 },
    v3: { auc: 0.8301, logLoss: 0.40805, bias: 0 },
  },
} as const

/** The 400 golden flights. v3 with features by event time is what its author saw; with known ones is what would be served. */
export const golden = {
  rows: 400,
  late: 0.2525,
  constant: { logLoss: 0.56525 },
  v1: { auc: 0.68853, logLoss: 0.5242, bias: -0.00525 },
  v2: { auc: 0.7343, logLoss: 0.50233, bias: -0.0072 },
  v3Event: { auc: 0.79489, logLoss: 0.46452, bias: -0.00214 },
  v3Known: { auc: 0.70436, logLoss: 0.56355, bias: -0.03151 },
  /** Mean paired difference of log loss and its one-sided 95 % bounds by bootstrap-t; the bounds vary by about 0.001 with the draw. */
  differences: {
    v1MinusConstant: { mean: -0.04105, lower: -0.068, upper: -0.012 },
    v2MinusV1: { mean: -0.02187, lower: -0.046, upper: 0.002 },
    v3EventMinusV1: { mean: -0.05968, lower: -0.095, upper: -0.026 },
    v3KnownMinusV1: { mean: 0.03935, lower: -0.003, upper: 0.085 },
  },
} as const

/** Shares of the training rows whose values by event time and as known differ by more than 0.05, and where one of them is missing. */
export const parity = {
  origin_late_3h: { differing: 0.59362, oneMissing: 0.15131, meanDifference: 0.15168 },
  origin_late_24h: { differing: 0.11728, oneMissing: 0, meanDifference: 0.02326 },
  destination_late_3h: { differing: 0.55578, oneMissing: 0.15824, meanDifference: 0.13725 },
  route_late_24h: { differing: 0.19467, oneMissing: 0.0005, meanDifference: 0.02941 },
  route_late_7d: { differing: 0, oneMissing: 0, meanDifference: 0.00461 },
} as const

/** Values of single flights, as known and by event time; null where no flight counts. */
export const featureValues = [
  {
    id: 'LGA-ORD-20010301T0009Z',
    known: [0.2, 0.361111, 0.333333, 0.68, 0.653409],
    event: [0.071429, 0.320988, 0.0625, 0.607143, 0.642458],
    v1: 0.471977,
    v2: 0.625743,
    v3Event: 0.191779,
    v3Known: 0.419021,
  },
  {
    id: 'ATL-ORD-20010305T1810Z',
    known: [1, 0.263158, 0.5, 0.227273, 0.128655],
    event: [0.25, 0.243902, 0.181818, 0.2, 0.126437],
    v1: 0.242371,
    v2: 0.432058,
    v3Event: 0.194766,
    v3Known: 0.808512,
  },
  {
    id: 'BOS-ORD-20010312T1103Z',
    known: [null, 0.136364, null, 0.2, 0.207207],
    event: [0, 0.132353, 0, 0.2, 0.207207],
    v1: 0.13337,
    v2: 0.110848,
    v3Event: 0.059015,
    v3Known: 0.168341,
  },
  {
    id: 'BOS-ORD-20010317T0214Z',
    known: [0, 0.237288, 1, 0.666667, 0.402778],
    event: [0.428571, 0.289855, 1, 0.73913, 0.422819],
    v1: 0.678678,
    v2: 0.822856,
    v3Event: 0.914624,
    v3Known: 0.761464,
  },
  {
    id: 'ORD-BOS-20010323T2104Z',
    known: [0, 0.354839, 0, 0.45, 0.279221],
    event: [0.5, 0.38961, 0.533333, 0.5, 0.29375],
    v1: 0.401802,
    v2: 0.338723,
    v3Event: 0.70481,
    v3Known: 0.132251,
  },
  {
    id: 'BOS-LGA-20010331T2358Z',
    known: [0, 0.214286, 0, 0.083333, 0.164251],
    event: [0, 0.193548, 0, 0.08, 0.163462],
    v1: 0.106454,
    v2: 0.054888,
    v3Event: 0.025595,
    v3Known: 0.025022,
  },
  {
    id: 'LGA-ORD-20010302T1056Z',
    known: [null, 0.121951, null, 0.241379, 0.596685],
    event: [null, 0.121951, null, 0.241379, 0.596685],
    v1: 0.27131,
    v2: 0.166371,
    v3Event: 0.177383,
    v3Known: 0.177383,
  },
] as const

/** Largest weekly |bias| of each version in the seven whole weeks of its training data. */
export const largestTrainingBias = { v1: 0.09829, v2: 0.04568 } as const

/** What each version would have said of all flights of the week. */
export const weeks = [
  {
    from: '2001-02-26',
    n: 1953,
    late: 0.24834,
    v1: { auc: 0.69751, logLoss: 0.51051, bias: -0.00194 },
    v2: { auc: 0.76254, logLoss: 0.47375, bias: 0.00302 },
  },
  {
    from: '2001-03-05',
    n: 1582,
    late: 0.18837,
    v1: { auc: 0.59939, logLoss: 0.49318, bias: 0.06049 },
    v2: { auc: 0.68089, logLoss: 0.45184, bias: 0.01012 },
  },
  {
    from: '2001-03-12',
    n: 1879,
    late: 0.33209,
    v1: { auc: 0.72651, logLoss: 0.58196, bias: -0.08415 },
    v2: { auc: 0.77489, logLoss: 0.52416, bias: -0.0336 },
  },
  {
    from: '2001-03-19',
    n: 1859,
    late: 0.25121,
    v1: { auc: 0.71736, logLoss: 0.50424, bias: -0.0085 },
    v2: { auc: 0.78537, logLoss: 0.4606, bias: -0.01143 },
  },
  {
    from: '2001-03-26',
    n: 1925,
    late: 0.22494,
    v1: { auc: 0.69622, logLoss: 0.49198, bias: 0.01815 },
    v2: { auc: 0.73314, logLoss: 0.47114, bias: 0.00642 },
  },
  {
    from: '2001-04-02',
    n: 1964,
    late: 0.28921,
    v1: { auc: 0.7675, logLoss: 0.50151, bias: -0.0381 },
    v2: { auc: 0.81343, logLoss: 0.45892, bias: -0.01596 },
  },
  {
    from: '2001-04-09',
    n: 1906,
    late: 0.33001,
    v1: { auc: 0.7257, logLoss: 0.58145, bias: -0.0825 },
    v2: { auc: 0.78902, logLoss: 0.51145, bias: -0.00711 },
  },
  {
    from: '2001-04-16',
    n: 2044,
    late: 0.19569,
    v1: { auc: 0.6044, logLoss: 0.50202, bias: 0.04907 },
    v2: { auc: 0.66395, logLoss: 0.47171, bias: 0.00227 },
  },
  {
    from: '2001-04-23',
    n: 2062,
    late: 0.13094,
    v1: { auc: 0.69292, logLoss: 0.4033, bias: 0.11489 },
    v2: { auc: 0.81083, logLoss: 0.31984, bias: 0.0546 },
  },
  {
    from: '2001-04-30',
    n: 2054,
    late: 0.0779,
    v1: { auc: 0.64627, logLoss: 0.36595, bias: 0.16344 },
    v2: { auc: 0.68455, logLoss: 0.27868, bias: 0.0615 },
  },
  {
    from: '2001-05-07',
    n: 2057,
    late: 0.19251,
    v1: { auc: 0.76484, logLoss: 0.43012, bias: 0.05428 },
    v2: { auc: 0.79167, logLoss: 0.39567, bias: 0.01568 },
  },
  {
    from: '2001-05-14',
    n: 2025,
    late: 0.21778,
    v1: { auc: 0.64773, logLoss: 0.50504, bias: 0.02725 },
    v2: { auc: 0.73021, logLoss: 0.46043, bias: 0.00559 },
  },
  {
    from: '2001-05-21',
    n: 1871,
    late: 0.35275,
    v1: { auc: 0.71487, logLoss: 0.61003, bias: -0.10013 },
    v2: { auc: 0.76168, logLoss: 0.55049, bias: -0.03688 },
  },
  {
    from: '2001-05-28',
    n: 1947,
    late: 0.26502,
    v1: { auc: 0.71137, logLoss: 0.5191, bias: -0.0199 },
    v2: { auc: 0.75866, logLoss: 0.49332, bias: -0.02452 },
  },
  {
    from: '2001-06-04',
    n: 2011,
    late: 0.24117,
    v1: { auc: 0.72782, logLoss: 0.48819, bias: 0.0058 },
    v2: { auc: 0.80318, logLoss: 0.4299, bias: 0.00752 },
  },
  {
    from: '2001-06-11',
    n: 1846,
    late: 0.41224,
    v1: { auc: 0.70518, logLoss: 0.67302, bias: -0.16139 },
    v2: { auc: 0.78273, logLoss: 0.56212, bias: -0.07742 },
  },
  {
    from: '2001-06-18',
    n: 1925,
    late: 0.26857,
    v1: { auc: 0.72792, logLoss: 0.51235, bias: -0.02326 },
    v2: { auc: 0.76301, logLoss: 0.4902, bias: -0.00348 },
  },
  {
    from: '2001-06-25',
    n: 1783,
    late: 0.17611,
    v1: { auc: 0.62817, logLoss: 0.47213, bias: 0.07212 },
    v2: { auc: 0.70125, logLoss: 0.42461, bias: 0.00204 },
  },
] as const
