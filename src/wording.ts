/**
 * Native messages in the user's words: options by the names that the user gave them, sentences with a capital letter.
 */

/** Names that options have in native code only. */
const options: Readonly<Record<string, string>> = {
  validationFraction: 'validation',
  shuffleSeed: 'seed',
  'checkpointEvery.steps': 'checkpoint.everySteps',
  'checkpointEvery.seconds': 'checkpoint.everySeconds',
}

/** What a native error says. */
export interface Statement {
  message: string
  details: Readonly<Record<string, unknown>>
}

/** The statement with the user's names of options, beginning with a capital unless with a name. */
export function worded({ message, details }: Statement): Statement {
  const { option } = details
  if (typeof option === 'string' && message.startsWith(option)) {
    const name = Object.hasOwn(options, option) ? options[option] : option
    return { message: `${name}${message.slice(option.length)}`, details: { ...details, option: name } }
  }
  // A name stands before a colon or a bracket, or has capitals of its own.
  const word = /^[a-z'-]+ /.test(message)
  return { message: word ? `${message.charAt(0).toUpperCase()}${message.slice(1)}` : message, details }
}
