// The entry for `import`: the same classes that `require` gives. It requires them rather than importing them, since
// on Node 20 an error in an imported CommonJS module can't be caught: it is thrown once more, with nobody listening.
import { createRequire } from 'node:module'

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
} = createRequire(import.meta.url)('./index.js')
