import { describe, expect, test } from 'vitest'
import { ask, called, calls, said, TOOLS, user } from './ask.ts'

const ROME = { location: 'Rome', temperature: 18, unit: 'celsius', conditions: 'sunny', simulated: true }

describe('results in words', () => {
  test('all results of a turn are told in one answer', () => {
    const answer = ask([
      user('What is the weather in Rome and what is 12*12?'),
      ...called(['get_weather', { location: 'Rome' }, ROME], ['calculate', { expression: '12*12' }, 144]),
    ])
    expect(answer).toEqual({ text: 'The weather in Rome: 18 \u00b0C, sunny (simulated).\n12*12 = 144.' })
  })

  test('they are told also when no tools are offered any more', () => {
    const conversation = [
      user('24*7'),
      ...called(['calculate', { expression: '24*7' }, { expression: '24*7', result: 168 }]),
    ]
    expect(ask(conversation, { tools: [] })).toEqual({ text: '24*7 = 168.' })
  })

  test('a failed tool is reported with its own words', () => {
    const answer = ask([
      user('weather in Rome'),
      ...called(['get_weather', {}, 'Error (TOOL_FAILED): no such place']),
    ])
    expect(answer).toEqual({ text: 'The weather tool failed: no such place' })
  })

  test('a call without a result is told as such', () => {
    const [call] = called(['calculate', { expression: '1+1' }, ''])
    expect(ask([user('1+1'), ...(call ? [call] : [])])).toEqual({ text: 'The calculator gave no result.' })
  })

  test('a turn ends after the results, whatever they say', () => {
    const answer = ask([
      user('24*7'),
      ...called(['calculate', {}, '24*7']),
      ...called(['calculate', {}, '24*7']),
    ])
    expect(answer.toolCalls).toBeUndefined()
  })

  test('asked about another time, it says that it knows only the present weather', () => {
    const answer = ask([user('weather in Rome tomorrow'), ...called(['get_weather', {}, ROME])])
    expect(answer.text).toContain('no forecast')
  })
})

describe('a mail that holds results', () => {
  const chain = user("what's the weather in Rome, and email it to bob@example.com")

  test('the results are got first, then mailed, then both are told', () => {
    expect(calls(ask([chain]))).toEqual(['get_weather | Rome | celsius'])

    const looked = [chain, ...called(['get_weather', {}, ROME])]
    const body = 'The weather in Rome: 18 \u00b0C, sunny (simulated).'
    expect(calls(ask(looked))).toEqual([`send_email | bob@example.com | The weather in Rome | ${body}`])

    const sent = { sent: true, to: 'bob@example.com', subject: 'Rome', simulated: true }
    expect(ask([...looked, ...called(['send_email', {}, sent])])).toEqual({
      text: `${body}\nThe mail "Rome" to bob@example.com was sent (simulated).`,
    })
  })

  test('the mail can name what it is to hold', () => {
    const asked = user('send an email to bob@x.org about the weather in Rome')
    expect(calls(ask([asked]))).toEqual(['get_weather | Rome | celsius'])
    expect(calls(ask([asked, ...called(['get_weather', {}, ROME])]))[0]).toContain(
      'bob@x.org | the weather in Rome | The weather in Rome: 18',
    )
  })

  test('a failed tool is not mailed', () => {
    const answer = ask([chain, ...called(['get_weather', {}, 'Error: offline'])])
    expect(answer.toolCalls).toBeUndefined()
    expect(answer.text).toContain('I have not sent the mail')
  })

  test('"email it" alone mails the last answer', () => {
    const conversation = [user('24*7'), said('24*7 = 168.'), user('email it to bob@x.org')]
    expect(calls(ask(conversation))).toEqual([
      'send_email | bob@x.org | The answer you asked for | 24*7 = 168.',
    ])
    expect(ask('email it to bob@x.org').text).toContain('What should the mail to bob@x.org say?')
  })
})

describe('follow-ups', () => {
  const afterRome = [user("What's the weather in Rome in fahrenheit?"), said('Sunny.')]

  test.each([
    ['And in London?', 'get_weather | London | fahrenheit'],
    ['what about Berlin, Germany?', 'get_weather | Berlin, Germany | fahrenheit'],
    ['and oslo', 'get_weather | Oslo | fahrenheit'],
    ['in celsius', 'get_weather | Rome | celsius'],
  ])('after the weather, %j asks for it elsewhere', (text, call) => {
    expect(calls(ask([...afterRome, user(text)]))).toEqual([call])
  })

  test.each(['And what is love?', 'and you?', 'And Rome was built when?', 'tell me a joke', 'thanks'])(
    'after the weather, %j is something else',
    (text) => {
      expect(calls(ask([...afterRome, user(text)]))).toEqual([])
    },
  )

  test('small talk in between does not end the subject', () => {
    const conversation = [...afterRome, user('thanks'), said('Welcome.'), user('And in London?')]
    expect(calls(ask(conversation))).toEqual(['get_weather | London | fahrenheit'])
  })

  test('a follow-up can follow a follow-up', () => {
    const conversation = [...afterRome, user('and in London?'), said('Wet.'), user('and in Oslo?')]
    expect(calls(ask(conversation))).toEqual(['get_weather | Oslo | fahrenheit'])
  })

  test('a sum can be carried on', () => {
    const conversation = [user('24*7'), said('168'), user('and divided by 2?')]
    expect(calls(ask(conversation))).toEqual(['calculate | (24*7) / 2'])
  })

  test('what it asked for completes the request: a place, an address, a body', () => {
    expect(calls(ask([user("what's the weather?"), said('Where?'), user('paris')]))).toEqual([
      'get_weather | Paris | celsius',
    ])
    expect(calls(ask([user('send an email about lunch'), said('To whom?'), user('bob@x.org')]))).toEqual([
      'send_email | bob@x.org | lunch | lunch',
    ])
    expect(calls(ask([user('email bob@x.org'), said('What?'), user('See you at noon.')]))).toEqual([
      'send_email | bob@x.org | See you at noon | See you at noon.',
    ])
    expect(calls(ask([user('email bob@x.org'), said('What?'), user('never mind')]))).toEqual([])
  })
})

describe('honest limits', () => {
  test.each([
    ['weather in Rome', "I can't look up the weather here"],
    ['24*7', "I can't calculate here"],
    ['email bob@x.org hi', "I can't send mail here"],
  ])('%j without its tool is declined, not pretended', (text, words) => {
    expect(ask(text, { tools: [] }).text).toContain(words)
    expect(ask(text, { tool_choice: 'none' })).toEqual({
      text: `${words}: this request forbids tool calls.`,
    })
  })

  test('a tool choice that names a function allows only that one', () => {
    const onlyMail = { tool_choice: { type: 'function', function: { name: 'send_email' } } }
    expect(calls(ask('email bob@x.org hi', onlyMail))).toHaveLength(1)
    expect(ask('24*7', onlyMail).text).toContain('allows only the tool send_email')
  })

  test('what can be done is done, and the rest is named in the final answer', () => {
    const asked = user("What's 3*4? And send an email about lunch.")
    expect(calls(ask([asked]))).toEqual(['calculate | 3*4'])
    const answer = ask([asked, ...called(['calculate', { expression: '3*4' }, '12'])])
    expect(answer.text).toMatch(/^3\*4 = 12\.\nTo which address\?/)
  })

  test('without an address it asks for one', () => {
    expect(ask('send an email to Bob saying hi').text).toContain('To which address?')
  })

  test('without a place it asks for one', () => {
    expect(ask("what's the weather?").text).toContain('For which place?')
  })

  test.each([
    'hello',
    'Hi there!',
    'help',
    'what can you do?',
    'who are you?',
    'are you ChatGPT?',
    'how are you?',
  ])('%j is answered by saying what it is', (text) => {
    expect(ask(text).text).toContain('not an LLM')
    expect(ask(text).text).toContain('weather, send mail and do arithmetic')
  })

  test('anything else is declined with the way to a real model', () => {
    const { text } = ask('Write a sonnet about the sea')
    expect(text).toContain('small offline program')
    expect(text).toContain('OPENAI_API_KEY')
    expect(text).toContain('--base-url')
  })

  test('a conversation without a user message is declined too', () => {
    expect(ask([{ role: 'system', content: 'weather in Rome' }]).text).toContain('small offline program')
  })

  test('more than eight calls at once are refused, and it says so', () => {
    const many = user(Array.from({ length: 20 }, (_, index) => `${index} + 1`).join('; '))
    expect(calls(ask([many]))).toHaveLength(8)
    expect(ask([many, ...called(['calculate', {}, '1'])]).text).toContain('I take 8 at a time')
  })
})

describe('hostile input', () => {
  const block = 4_000
  test.each([
    'x',
    '(',
    '-',
    '(1',
    '1,',
    '1.',
    '1+',
    'a@',
    'a.',
    ' ',
    '\n',
    '"',
    'sqrt ',
    'in ',
    'and ',
    'weather in Rome, ',
    'send an email ',
    'mail a@b.c saying ',
    'half of ',
    '1 percent of ',
    'divide the sum of ',
    '\u0000\u001b',
    '\ud83d',
  ])('a megabyte of %j is answered in well under a second of computing', (piece) => {
    const text = piece.repeat(1_000_000 / piece.length)
    // Not by the clock: a machine with other work to do is not slow at this.
    const start = process.cpuUsage()
    ask(text)
    ask(`email a@b.c about ${text.slice(0, block)}`)
    ask(`what is the weather in ${text.slice(0, block)}`)
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(900)
  })

  test('a long history of hostile messages costs no more than a few of them', () => {
    const messages = Array.from({ length: 200 }, () => user('(1'.repeat(block)))
    const start = performance.now()
    ask(messages)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test('content may come in parts', () => {
    const parts = [
      { type: 'text', text: 'weather' },
      { type: 'image_url' },
      { type: 'text', text: 'in Rome' },
    ]
    expect(calls(ask([user([{ type: 'text', text: '24*7' }])]))).toEqual(['calculate | 24*7'])
    expect(ask([user(parts)], { tools: TOOLS })).toBeDefined()
  })
})
