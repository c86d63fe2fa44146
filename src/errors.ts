/**
 * The errors of the package. Every one has a `code`, a `hint` and `details`; wrong types are also `TypeError`s and
 * values out of range `RangeError`s. Native code hands over JSON, which becomes an error here and nowhere else.
 */

import { worded } from './wording.js'

/** What an error is about; stable across releases. */
export type KanErrorCode =
  | 'ERR_KAN_BUSY'
  | 'ERR_KAN_DISPOSED'
  | 'ERR_KAN_INTERNAL'
  | 'ERR_KAN_UNUSABLE'
  | 'ERR_KAN_OPTION'
  | 'ERR_KAN_SHAPE'
  | 'ERR_KAN_NUMBER'
  | 'ERR_KAN_LABEL'
  | 'ERR_KAN_EMPTY'
  | 'ERR_KAN_DATA'
  | 'ERR_KAN_CSV'
  | 'ERR_KAN_FILE'
  | 'ERR_KAN_FORMULA'
  | 'ERR_KAN_DIVERGED'
  | 'ERR_KAN_MEMORY'
  | 'ERR_KAN_MACHINE'
  | 'ERR_KAN_DEVICE'
  | 'ERR_KAN_LOAD'
  | 'ABORT_ERR'

/** Facts about an error for programs; the names depend on the code. */
export type KanErrorDetails = Readonly<Record<string, unknown>>

/** The parts of an error. */
export interface KanErrorParts {
  code: KanErrorCode
  /** What is wrong: what was expected and what was found. */
  message: string
  /** What to do about it. */
  hint?: string | undefined
  details?: KanErrorDetails | undefined
  cause?: unknown
}

const brand: unique symbol = Symbol.for('kanode.error') as never
/** Where an error keeps its message without the hint. */
const statement: unique symbol = Symbol.for('kanode.statement') as never

function text({ message, hint }: KanErrorParts): string {
  return hint === undefined ? message : `${message}\nHint: ${hint}`
}

function mark(error: Error, { code, message, hint, details }: KanErrorParts): void {
  const hidden = (value: unknown) => ({ value, enumerable: false, configurable: true, writable: true })
  const shown = (value: unknown) => ({ ...hidden(value), enumerable: true })
  Object.defineProperties(error, {
    [brand]: hidden(true),
    [statement]: hidden(message),
    code: shown(code),
    hint: hidden(hint),
    details: shown(Object.freeze({ ...details })),
  })
}

function cause(parts: KanErrorParts): ErrorOptions | undefined {
  return parts.cause === undefined ? undefined : { cause: parts.cause }
}

/**
 * An error of this package. `error instanceof KanError` also holds for its `TypeError`s and `RangeError`s, so one
 * `catch` can tell them all from other errors.
 */
export class KanError extends Error {
  /** What it is about, `ERR_KAN_…`, or `ABORT_ERR` when a signal stopped the work. */
  declare readonly code: KanErrorCode
  /** What to do about it; also the last line of the message. */
  declare readonly hint: string | undefined
  /** Facts for programs, such as `row`, `column`, `expected` and `found`. */
  declare readonly details: KanErrorDetails

  /** @internal */
  constructor(parts: KanErrorParts) {
    super(text(parts), cause(parts))
    mark(this, parts)
  }
}
Object.defineProperty(KanError.prototype, 'name', { value: 'KanError', configurable: true, writable: true })
// The TypeErrors and RangeErrors below can't inherit from KanError as well; the brand tells that they belong.
Object.defineProperty(KanError, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    if (this !== KanError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return value instanceof Error && brand in value
  },
})

/** A value of the wrong type: a `TypeError` that is a {@link KanError} as well. */
export class KanTypeError extends TypeError {
  declare readonly code: KanErrorCode
  declare readonly hint: string | undefined
  declare readonly details: KanErrorDetails

  /** @internal */
  constructor(parts: KanErrorParts) {
    super(text(parts), cause(parts))
    mark(this, parts)
  }
}

/** A value out of its range: a `RangeError` that is a {@link KanError} as well. */
export class KanRangeError extends RangeError {
  declare readonly code: KanErrorCode
  declare readonly hint: string | undefined
  declare readonly details: KanErrorDetails

  /** @internal */
  constructor(parts: KanErrorParts) {
    super(text(parts), cause(parts))
    mark(this, parts)
  }
}

/**
 * Work that an `AbortSignal` stopped. `name` is `'AbortError'`, `code` is `'ABORT_ERR'` and `cause` is the signal's
 * reason, as in Node's own functions.
 */
export class KanAbortError extends KanError {
  /** @internal */
  constructor(reason: unknown, details?: KanErrorDetails) {
    super({ code: 'ABORT_ERR', message: 'The operation was aborted', details, cause: reason })
  }
}
Object.defineProperty(KanAbortError.prototype, 'name', { value: 'AbortError', configurable: true, writable: true })

/** What a value is, for a sentence: `null`, `an array`, `NaN`, `-1`, `'text'`. */
export function described(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 39)}…'` : `'${value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of length ${value.length}`
  if (typeof value !== 'object') return String(value)
  const name: unknown = value.constructor?.name
  if (ArrayBuffer.isView(value)) return `a ${String(name)}`
  return name === 'Object' || typeof name !== 'string' ? 'an object' : `an object of class ${name}`
}

/** Hints for errors that native code reports; it states facts, the facade gives advice. */
const hints: Partial<Record<KanErrorCode, string>> = {
  ERR_KAN_BUSY: 'Wait for the promise of the running fit, or abort it with its signal; or train another Kan.',
  ERR_KAN_DISPOSED: 'Make a new Kan, or load the saved file again.',
  ERR_KAN_INTERNAL:
    'This is a bug in kanode; please report it with the message above. Load the model again from its last file.',
  ERR_KAN_UNUSABLE: 'Load the model again from its last file or checkpoint.',
  ERR_KAN_DIVERGED:
    'The last good parameters were kept. Lower learningRate or penalties, use standardize: true, and look for values far beyond the others; a fitted model keeps the scale of its first data.',
  ERR_KAN_MEMORY: 'Use fewer rows at once, a smaller grid or smaller layers.',
}

const codes = new Set<string>([
  ...Object.keys(hints),
  'ERR_KAN_OPTION',
  'ERR_KAN_SHAPE',
  'ERR_KAN_NUMBER',
  'ERR_KAN_LABEL',
  'ERR_KAN_EMPTY',
  'ERR_KAN_DATA',
  'ERR_KAN_CSV',
  'ERR_KAN_FILE',
  'ERR_KAN_FORMULA',
  'ERR_KAN_MACHINE',
  'ERR_KAN_DEVICE',
])

const deviceHints: Readonly<Record<string, string>> = {
  none: "Install a driver for the graphics processor, or use device: 'cpu'. `npx kanode doctor` says what there is.",
  software:
    "Use device: 'cpu', which is faster; the environment variable KANODE_ADAPTER names an adapter to use anyhow.",
  name: 'Set KANODE_ADAPTER to a part of the name of an adapter that there is.',
  refused: "Use device: 'cpu'. `npx kanode doctor` says what there is.",
  lost: "What was trained up to the last copy of the parameters is kept, but for the first step: go on with resume: true, with device: 'cpu' if it happens again.",
  feature: "Use device: 'cpu', or build the native library with its feature gpu.",
}

const optionHints: Readonly<Record<string, string>> = {
  stateless: 'Save what is to be resumed with save(path, { optimizerState: true }), or fit without resume.',
}

const fileHints: Readonly<Record<string, string>> = {
  truncated: 'The file ends too early; copy it again or use an older checkpoint.',
  corrupt: 'The file is damaged or not a kanode model; copy it again or use an older checkpoint.',
  newer: 'A newer version of kanode wrote the file; update kanode.',
  io: 'Check that the path exists and may be read and written.',
  unwritable:
    'A parameter is not finite or the header is too large; load an older checkpoint, or use fewer names and categories.',
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** What to do about an error whose details say more than its code. */
function hintOf(code: KanErrorCode, { kind, backend, option, found }: KanErrorDetails): string | undefined {
  const of = (known: Readonly<Record<string, string>>): string | undefined =>
    Object.hasOwn(known, String(kind)) ? known[String(kind)] : undefined
  if (code === 'ERR_KAN_FILE') return of(fileHints)
  if (code === 'ERR_KAN_DEVICE') return of(deviceHints)
  if (code === 'ERR_KAN_MACHINE' && backend === 'gpu') return "Use device: 'cpu', which has no such limit."
  if (code === 'ERR_KAN_OPTION' && Object.hasOwn(optionHints, String(kind))) return of(optionHints)
  if (option === 'device' && found === 'gpu') return "Make the model with dtype: 'f32'."
  return undefined
}

/** The error for native JSON text `{code, message, hint?, details}`; other text becomes `ERR_KAN_INTERNAL`. */
export function fromNativeText(json: string, cause?: unknown, more?: KanErrorDetails): Error {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    parsed = undefined
  }
  if (!isRecord(parsed) || typeof parsed.code !== 'string' || !codes.has(parsed.code)) {
    return new KanError({ code: 'ERR_KAN_INTERNAL', message: json, hint: hints.ERR_KAN_INTERNAL, cause })
  }
  const code = parsed.code as KanErrorCode
  const said = { message: String(parsed.message ?? code), details: isRecord(parsed.details) ? parsed.details : {} }
  const { message, details: facts } = code === 'ERR_KAN_CSV' ? said : worded(said)
  const details = { ...facts, ...more }
  const hint = typeof parsed.hint === 'string' ? parsed.hint : (hintOf(code, details) ?? hints[code])
  const parts = { code, message, hint, details, cause }
  return code === 'ERR_KAN_OPTION' ? new KanRangeError(parts) : new KanError(parts)
}

/** The error for a model that is being trained. */
export function busy(): KanError {
  const message = 'The model is busy: a fit is running on it'
  return new KanError({ code: 'ERR_KAN_BUSY', message, hint: hints.ERR_KAN_BUSY })
}

/** Calls into native code; what it throws becomes an error of this package. */
export function native<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw fromNative(error)
  }
}

/** The error for whatever a native call threw. A TypeError comes from JavaScript itself: a method of no model. */
export function fromNative(error: unknown): Error {
  if (error instanceof KanError || error instanceof TypeError) return error
  return fromNativeText(error instanceof Error ? error.message : String(error))
}

/** An error of the same class, code and hint, with the file it is about. */
export function inFile(error: Error, file: string, hint?: string): Error {
  if (!(error instanceof KanError) || error.code === 'ABORT_ERR') return error
  const said: unknown = (error as { [statement]?: unknown })[statement]
  const parts: KanErrorParts = {
    code: error.code,
    message: `${file}: ${typeof said === 'string' ? said : error.message}`,
    hint: error.hint ?? hint,
    details: { ...error.details, file },
    cause: error.cause,
  }
  if (error instanceof TypeError) return new KanTypeError(parts)
  return error instanceof RangeError ? new KanRangeError(parts) : new KanError(parts)
}
