/**
 * A React client that knows the lesson and nothing of this project: it posts to `/register` and `/login` of
 * http://localhost:8000, keeps the token in localStorage and sends it as `Authorization: Token`.
 */
import { type SubmitEvent, useState } from 'react';
import { createRoot } from 'react-dom/client';

declare global {
  /** The address of the API. The course's clients have it in each fetch. */
  var API: string;
}

const post = async (path: string, body: object) => {
  const response = await fetch(`${API}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
};

function App() {
  const [message, setMessage] = useState('');

  const register = async (fields: object) => {
    const { token } = await post('/register', fields);
    if (token) localStorage.setItem('rock_token', JSON.stringify({ token }));
    setMessage(token ? 'registered' : 'not registered');
  };

  const login = async (fields: object) => {
    const authInfo = await post('/login', fields);
    if (authInfo.valid) localStorage.setItem('rock_token', JSON.stringify(authInfo));
    setMessage(authInfo.valid ? 'logged in' : 'wrong email or password');
  };

  const whoAmI = async () => {
    const { token } = JSON.parse(localStorage.getItem('rock_token') ?? '{}');
    const response = await fetch(`${API}/me`, { headers: { Authorization: `Token ${token}` } });
    const { first_name, last_name, detail } = await response.json();
    setMessage(detail ?? `${first_name} ${last_name}`);
  };

  const logout = () => {
    localStorage.removeItem('rock_token');
    setMessage('logged out');
  };

  return (
    <main>
      <Form
        name="Register"
        fields={['email', 'password', 'first_name', 'last_name']}
        on={register}
      />
      <Form name="Log in" fields={['email', 'password']} on={login} />
      <button type="button" onClick={whoAmI}>
        Who am I
      </button>
      <button type="button" onClick={logout}>
        Log out
      </button>
      <output>{message}</output>
    </main>
  );
}

type FormProps = { name: string; fields: string[]; on: (fields: object) => Promise<void> };

function Form({ name, fields, on }: FormProps) {
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    on(Object.fromEntries(new FormData(event.currentTarget)));
  };
  return (
    <form aria-label={name} onSubmit={submit}>
      {fields.map((field) => (
        <input key={field} name={field} aria-label={field} />
      ))}
      <button type="submit">{name}</button>
    </form>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
