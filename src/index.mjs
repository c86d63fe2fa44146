// The entry for `import`: the same classes that `require` gives.
import attempt from './attempt.js'

if ('error' in attempt) throw attempt.error

export const {
  adapters,
  crossValidate,
  Dataset,
  discover,
  Ensemble,
  Formula,
  Kan,
  KanAbortError,
  KanError,
  KanRangeError,
  KanTypeError,
  ModelFormulas,
  parseCsv,
  readCsv,
  runtime,
  SymbolicCandidate,
  SymbolicResult,
} = attempt.kanode
