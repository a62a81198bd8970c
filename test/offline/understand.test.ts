import { describe, expect, test } from 'vitest'
import { ask, calls } from './ask.ts'

/** What is said, and the calls that come of it. */
type Row = readonly [said: string, ...calls: string[]]

function understands(rows: readonly Row[]): void {
  test.each(rows.map(([said, ...expected]) => [said, expected] as const))('%j', (said, expected) => {
    expect(calls(ask(said))).toEqual(expected)
  })
}

const weather = (place: string, unit = 'celsius') => `get_weather | ${place} | ${unit}`
const sum = (expression: string) => `calculate | ${expression}`
const mail = (to: string, title: string, body: string) => `send_email | ${to} | ${title} | ${body}`

describe('asks for the weather of the places named', () => {
  understands([
    ["What's the weather in San Francisco, CA?", weather('San Francisco, CA')],
    ['What\u2019s the weather in Paris?', weather('Paris')],
    ['weather in Paris in fahrenheit', weather('Paris', 'fahrenheit')],
    ['weather in Lima in F', weather('Lima', 'fahrenheit')],
    ['temperature in Boston in \u00b0F please', weather('Boston', 'fahrenheit')],
    ['In fahrenheit, what is the weather in Rome?', weather('Rome', 'fahrenheit')],
    ['is it raining in New York right now?', weather('New York')],
    ['How warm is it in Tokyo and in Rome?', weather('Tokyo'), weather('Rome')],
    ['weather in Rome, Paris and London', weather('Rome'), weather('Paris'), weather('London')],
    ['weather in Paris, France and Rome, Italy', weather('Paris, France'), weather('Rome, Italy')],
    ['weather in Rome in celsius and Boston in fahrenheit', weather('Rome'), weather('Boston', 'fahrenheit')],
    ['will I need an umbrella in Oslo', weather('Oslo')],
    ['temperature in Berlin, Germany please', weather('Berlin, Germany')],
    ['Paris weather', weather('Paris')],
    ['new york weather tomorrow', weather('New York')],
    ['how hot is it in rio de janeiro at the moment', weather('Rio de Janeiro')],
    ['weather in St. Louis, Missouri today', weather('St. Louis, Missouri')],
    ['do i need a jacket in chicago', weather('Chicago')],
    ['temperature in Dubai vs Cairo', weather('Dubai'), weather('Cairo')],
    ['WEATHER IN PARIS RIGHT NOW', weather('Paris')],
    ["weather in Val d'Is\u00e8re", weather("Val d'Is\u00e8re")],
    ['weather in \u6771\u4eac', weather('\u6771\u4eac')],
    ['Weather in Rome? And in Paris?', weather('Rome'), weather('Paris')],
    ['What is the weather in Lima and how do I get to Paris by train?', weather('Lima')],
    ['Weather in Lima on 2024-05-01', weather('Lima')],
  ])
})

describe('hands sums over in the notation of calculate', () => {
  understands([
    ['24*7', sum('24*7')],
    ['And 24*7?', sum('24*7')],
    ['what is (3 + 4) * 2^5', sum('(3 + 4) * 2^5')],
    ['12 divided by 4', sum('12 / 4')],
    ["what's 15% of 80", sum('15 / 100 * 80')],
    ['200 + 10%', sum('200 + (10 / 100)')],
    ['10 % 3', sum('10 % 3')],
    ['seven times eight', sum('7 * 8')],
    ['ninety-nine plus one hundred', sum('99 + 100')],
    ['one hundred and five minus three point five', sum('105 - 3.5')],
    ['2 million times 3', sum('2000000 * 3')],
    ['square root of 144', sum('sqrt(144)')],
    ['sqrt(3*(2+1)) + 1', sum('sqrt(3*(2+1)) + 1')],
    ['2 to the power of 10', sum('2^10')],
    ['2**10', sum('2^10')],
    ['5 squared plus 2', sum('5^2 + 2')],
    ['1,250.50 + 3', sum('1250.50 + 3')],
    ['3 plus 4 times 2', sum('3 + 4 * 2')],
    ['-5 + 3', sum('-5 + 3')],
    ['3 \u00d7 4 \u2212 2', sum('3 * 4 - 2')],
    ['what is 10-3?', sum('10-3')],
    ['subtract 3 from 10', sum('10 - 3')],
    ['the sum of 3, 4 and 5', sum('3 + 4 + 5')],
    ['divide the sum of 3 and 4 by 2', sum('(3 + 4) / 2')],
    ['half of 80', sum('1 / 2 * 80')],
    ['what is 3/4 of 80?', sum('3/4 * 80')],
    ['calculate: 9-5', sum('9-5')],
    ['10 to the power 3', sum('10^3')],
    ['2(3+4)', sum('2*(3+4)')],
    ['what is 1 + 1 and 2 + 2?', sum('1 + 1'), sum('2 + 2')],
  ])
})

describe('sends the mails that are ordered', () => {
  understands([
    [
      'send an email to bob@example.com about lunch saying see you at noon',
      mail('bob@example.com', 'lunch', 'see you at noon'),
    ],
    [
      'email alice@example.com: subject Hello, body How are you?',
      mail('alice@example.com', 'Hello', 'How are you?'),
    ],
    ["mail bob@x.org that I'm late", mail('bob@x.org', "I'm late", "I'm late")],
    ['email bob@x.org hello there', mail('bob@x.org', 'hello there', 'hello there')],
    ['send an email saying hi to bob@x.org', mail('bob@x.org', 'hi', 'hi')],
    ['please mail a@x.org and b@y.org: hi', mail('a@x.org', 'hi', 'hi'), mail('b@y.org', 'hi', 'hi')],
    [
      'email a@x.org saying hi and email b@y.org saying bye',
      mail('a@x.org', 'hi', 'hi'),
      mail('b@y.org', 'bye', 'bye'),
    ],
    [
      'send a mail to bob@x.org with subject "Hi and bye" and body "see, subject matter"',
      mail('bob@x.org', 'Hi and bye', 'see, subject matter'),
    ],
    ["email bob@x.org with subject 'Hello' and body 'Let's meet'", mail('bob@x.org', 'Hello', "Let's meet")],
    ['email bob@x.org about lunch?', mail('bob@x.org', 'lunch', 'lunch')],
    [
      'Email bob@x.org. Subject: Lunch. Body: At noon.\nBring salt.',
      mail('bob@x.org', 'Lunch', 'At noon.\nBring salt.'),
    ],
    [
      'send an email to bob@x.org saying the weather in Rome is 3*4',
      mail('bob@x.org', 'the weather in Rome is 3*4', 'the weather in Rome is 3*4'),
    ],
    [
      'email bob@x.org saying please email me back at a@x.org',
      mail('bob@x.org', 'please email me back at a@x.org', 'please email me back at a@x.org'),
    ],
  ])
})

describe('grants several requests in one answer', () => {
  understands([
    ["What's the weather in Rome and what is 12*12?", weather('Rome'), sum('12*12')],
    ['what is 12*12 and what is the weather in Rome', sum('12*12'), weather('Rome')],
    ['weather in Paris and 24*7', weather('Paris'), sum('24*7')],
    ["email bob@x.org saying hi and what's 3*4?", mail('bob@x.org', 'hi', 'hi'), sum('3*4')],
    ['Hello! What is the weather in Rome, please?', weather('Rome')],
  ])
})

describe('calls nothing for', () => {
  understands([
    ['tell me a joke'],
    ["I'm 30 years old"],
    ['on 2024-05-01 we met'],
    ['05/01/2024'],
    ['call 555-1234'],
    ['+1 555 123 4567'],
    ['we are open 24/7'],
    ['10-20 people came at 10:30'],
    ['upgrade from 1.2.3 to 1.3.0 - 4 packages'],
    ['GPT-4 and covid-19'],
    ['2x4 lumber on a 1920x1080 screen'],
    ['calculate sin(30) + 4'],
    ['calculate 3 + 4 * y'],
    ['5! + 3*2'],
    ['New York Times 100'],
    ['convert 30 degrees celsius to fahrenheit'],
    ['The weather in Rome was nice.'],
    ['I love the weather in Rome'],
    ['I have a cold in London'],
    ['nice weather today!'],
    ['It is raining in Rome.'],
    ['Write a poem about the weather in Rome'],
    ['hot dog recipe in Rome'],
    ["What's the weather?"],
    ['weather in my city'],
    ['send an email'],
    ['send an email to Bob saying hi'],
    ['Send an email to bob@example.com'],
    ['what is my email address?'],
    ['did you get my email?'],
    ['I got an email from bob@example.com'],
    ["don't send an email to bob@x.org saying hi"],
    ['my email is bob@example.com'],
    ['And in London?'],
    ['What is love?'],
    [''],
    ['?!'],
    ['\u0000\u001b[31m\u202e\ud800'],
  ])
})
