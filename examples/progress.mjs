// Shows how far a fit has come: one line that changes on a terminal, every tenth step elsewhere.

/** Shows steps, counted from 1 to `steps`. */
export class Progress {
  #steps
  #stream
  #line = ''
  #printed = 0

  constructor(steps, stream = process.stdout) {
    this.#steps = steps
    this.#stream = stream
  }

  /** Shows a step with a text beside it. */
  show(step, text) {
    this.#line = `step ${String(step).padStart(String(this.#steps).length)} of ${this.#steps}: ${text}`
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${this.#line}`)
    else if (step === 1 || Math.floor(step / 10) > Math.floor(this.#printed / 10)) this.#print(step)
  }

  /** Leaves the last step shown, whichever it was, and goes to the next line. */
  end(step) {
    if (this.#stream.isTTY) this.#stream.write('\n')
    else if (step !== this.#printed) this.#print(step)
  }

  #print(step) {
    this.#stream.write(`${this.#line}\n`)
    this.#printed = step
  }
}
