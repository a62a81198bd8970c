import { styleText } from 'node:util'
import { visibleLine, visibleText, type ToolCallOutcome, type TurnResult } from 'busline'
import { counted } from './counted.ts'
import { dollars } from './dollars.ts'

type Style = Parameters<typeof styleText>[0]

/** Writes text for people: hostile text made visible, colours where terminal and NO_COLOR allow them. */
export class Screen {
  readonly isTerminal: boolean
  #stream: NodeJS.WriteStream
  #lineIsOpen = false

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.isTerminal = stream.isTTY
  }

  /** Model text, as it comes. */
  text(text: string): void {
    this.#write(visibleText(text))
  }

  line(text: string, style?: Style): void {
    this.endLine()
    this.#write(`${this.#styled(visibleText(text), style)}\n`)
  }

  /** Ends the line that text has begun. */
  endLine(): void {
    if (this.#lineIsOpen) this.#write('\n')
  }

  toolCall({ name, arguments: args, result, error }: ToolCallOutcome): void {
    const given = visibleLine(typeof args === 'string' ? args : JSON.stringify(args), 120)
    const outcome = error
      ? `failed: ${visibleLine(error.message, 200)}`
      : visibleLine(JSON.stringify(result), 200)
    this.line(`  ${error ? '✗' : '✓'} ${visibleLine(name, 64)} ${given} → ${outcome}`, error ? 'red' : 'cyan')
  }

  usage(usage: TurnResult['usage'], cost: number | null): void {
    if (!usage) return
    const { inputTokens, outputTokens, calls } = usage
    const price = cost === null || cost === 0 ? '' : `, $${dollars(cost)}`
    this.line(
      `  ${inputTokens} tokens in, ${outputTokens} out, ${counted(calls, 'model call')}${price}`,
      'gray',
    )
  }

  #styled(text: string, style: Style | undefined): string {
    return style ? styleText(style, text, { stream: this.#stream }) : text
  }

  #write(text: string): void {
    if (text === '') return
    this.#stream.write(text)
    this.#lineIsOpen = !text.endsWith('\n')
  }
}
