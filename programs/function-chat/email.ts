import { defineTool } from 'busline'
import * as z from 'zod'

/** Simulated mail, and it says so: nothing leaves this machine. */
export const email = defineTool({
  name: 'send_email',
  description: 'Send an email. The sending is simulated: nothing is delivered.',
  parameters: z.object({
    to: z.email().describe('Address of the recipient'),
    subject: z.string().describe('Subject line'),
    body: z.string().describe('Text of the mail'),
  }),
  run: function sendEmail({ to, subject }) {
    return { sent: true, to, subject, simulated: true }
  },
})
