import { expect, test } from 'vitest'
import { delta } from '../fixtures/chat-server.ts'
import { read, stream } from './made-stream.ts'

test('reasoning comes under each of its names, and is heard before the text', async () => {
  for (const name of ['reasoning_content', 'reasoning']) {
    const { reasoning, text, heard, answer } = await read(
      stream(delta({ [name]: 'a' }), delta({ [name]: 'b', content: '' }), delta({ content: 'c' }, 'stop')),
    )
    expect({ reasoning, text }).toEqual({ reasoning: 'ab', text: 'c' })
    expect(heard).toEqual(['reasoning a', 'reasoning b', 'text c'])
    expect(answer.message).toEqual({ role: 'assistant', content: 'c', [name]: 'ab' })
  }
})

test('reasoning_details are kept as they came, their pieces joined, and heard', async () => {
  const detail = { type: 'reasoning.text', index: 0 }
  const { heard, answer } = await read(
    stream(
      delta({ reasoning_details: [{ ...detail, text: 'a' }] }),
      delta({ reasoning_details: [{ ...detail, text: 'b', signature: 's' }] }),
      delta({ content: 'c' }, 'stop'),
    ),
  )
  expect(heard).toEqual(['reasoning a', 'reasoning b', 'text c'])
  expect(answer.message['reasoning_details']).toEqual([{ ...detail, text: 'ab', signature: 's' }])
})

test('text before the end of the reasoning stays in its order', async () => {
  const { heard, text, reasoning } = await read(
    stream(
      delta({ reasoning: 'a' }),
      delta({ content: 'b' }),
      delta({ reasoning: 'c' }),
      delta({ content: 'd' }, 'stop'),
    ),
  )
  expect(heard).toEqual(['reasoning a', 'text b', 'reasoning c', 'text d'])
  expect({ text, reasoning }).toEqual({ text: 'bd', reasoning: 'ac' })
})

test('reasoning that is null, empty or no text is none', async () => {
  for (const reasoning of [null, '', 7, []]) {
    const { answer } = await read(
      stream(delta({ reasoning, reasoning_content: reasoning, content: 'a' }, 'stop')),
    )
    expect(answer.message).toEqual({ role: 'assistant', content: 'a' })
  }
})

/** Says a text in pieces of this many characters, to a reader who looks for the tags. */
async function thinking(
  text: string,
  size: number,
  thinkTags = true,
): Promise<{ reasoning: string; text: string }> {
  const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
  const {
    reasoning,
    text: said,
    heard,
  } = await read(stream(...pieces.map((content) => delta({ content })), delta({}, 'stop')), { thinkTags })
  const all = heard.map((one) => one.replace(/^(?:text|reasoning) /, '')).join('')
  expect(all.replace(/<\/?think>/g, '').trim()).toBe(text.replace(/<\/?think>/g, '').trim())
  return { reasoning, text: said }
}

test('<think> tags stay in the text unless they are asked to be told apart', async () => {
  const text = '<think>a</think>b'
  expect(await thinking(text, 3, false)).toEqual({ reasoning: '', text })
})

test('<think> at the beginning is reasoning, split over pieces anywhere', async () => {
  for (const size of [1, 2, 3, 5, 8, 100]) {
    expect(await thinking('<think>\nhm, 1 < 2</thin</think>\n\nYes.', size)).toEqual({
      reasoning: '\nhm, 1 < 2</thin',
      text: '\n\nYes.',
    })
    expect(await thinking(' \n<think></think>Yes.', size)).toEqual({ reasoning: '', text: 'Yes.' })
    expect(await thinking('<think>a</think>b<think>c</think>', size)).toEqual({
      reasoning: 'a',
      text: 'b<think>c</think>',
    })
  }
})

test('<think> that nobody closes is reasoning to the end', async () => {
  for (const size of [1, 3, 100]) {
    expect(await thinking('<think>so far</thi', size)).toEqual({ reasoning: 'so far</thi', text: '' })
  }
})

test('</think> without a beginning ends what was reasoning', async () => {
  for (const size of [1, 4, 100]) {
    expect(await thinking('hm\n</think>\n\nYes.', size)).toEqual({ reasoning: 'hm\n', text: '\n\nYes.' })
  }
})

test('text that only looks like a tag, or speaks of one, stays text', async () => {
  for (const text of [
    '<',
    '<thi',
    '<thinking>a',
    '  x',
    'Use `</think>` here.',
    'a <think>b</think>\n',
    ' \n ',
  ]) {
    for (const size of [1, 3, 100]) expect(await thinking(text, size)).toEqual({ reasoning: '', text })
  }
})
