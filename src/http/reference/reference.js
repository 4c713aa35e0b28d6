/** Runs in the browser. Renders openapi.json with Swagger UI, which sets the global `SwaggerUIBundle`. */

const dark = matchMedia('(prefers-color-scheme: dark)')
const applyColorScheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', applyColorScheme)
applyColorScheme()

SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  showCommonExtensions: true,
  syntaxHighlight: { theme: 'monokai' },
  tryItOutEnabled: true,
  validatorUrl: 'none',
  plugins: [
    ({ React }) => ({
      wrapComponents: {
        // There is one server, the gateway itself.
        ServersContainer: () => () => null,
        // The editor of request bodies has no label of its own.
        TextArea: (Original) => (props) => React.createElement(Original, { 'aria-label': 'Request body', ...props }),
      },
    }),
  ],
})
