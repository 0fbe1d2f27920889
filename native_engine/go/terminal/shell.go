// This file joins Dagger's package idtui (overlay.json): the plain and the logs frontend open shells with it, as the
// TUI does in the official command.
package idtui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// shellPatience is how long a call that is over waits for the last words of its shell.
const shellPatience = time.Second

// terminalHolder lets the frontend and one shell at a time use the terminal of this process.
type terminalHolder struct {
	mu       sync.Mutex
	out      io.Writer     // where the frontend prints
	held     bytes.Buffer  // what it printed while a shell had the terminal
	giveBack func()        // nil unless a shell has the terminal
	ended    chan struct{} // closed once that shell has ended
	callOver bool
}

var terminal terminalHolder

// besideShell returns a writer to out that keeps its text until no shell has the terminal.
func besideShell(out io.Writer) io.Writer {
	terminal.out = out
	return &terminal
}

func (t *terminalHolder) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.giveBack != nil {
		return t.held.Write(text)
	}
	return t.out.Write(text)
}

// runShell runs a terminal session on this process's terminal, which is as before when it returns.
func runShell(session ExecCommand) error {
	screen, err := findScreen()
	if err != nil {
		return err
	}
	keys, stopKeys, err := newKeys()
	if err != nil {
		return fmt.Errorf("cannot open a shell: %w", err)
	}
	if err := terminal.take(stopKeys); err != nil {
		return err
	}
	defer terminal.release()
	stopSignals := releaseOnSignals()
	defer stopSignals()
	session.SetStdin(keys)
	session.SetStdout(screen) // the file itself: the session asks it for the window's size
	session.SetStderr(&rawText{out: screen})
	return session.Run()
}

// endShell takes the terminal from a shell that still has it although the call is over: the engine is lost, or the
// call was interrupted.
func endShell() {
	terminal.mu.Lock()
	terminal.callOver = true
	ended := terminal.ended
	terminal.mu.Unlock()
	if ended != nil {
		select {
		case <-ended:
		case <-time.After(shellPatience):
		}
	}
	terminal.release()
}

func (t *terminalHolder) take(stopKeys func()) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.callOver {
		stopKeys()
		return errors.New("cannot open a shell: the call is over")
	}
	stdin := int(os.Stdin.Fd())
	before, err := term.MakeRaw(stdin)
	if err != nil {
		stopKeys()
		return fmt.Errorf("cannot open a shell: switching the terminal to raw mode: %w", err)
	}
	t.ended = make(chan struct{})
	t.giveBack = func() {
		stopKeys()
		_ = term.Restore(stdin, before)
		close(t.ended)
	}
	return nil
}

// release gives the terminal back and prints what the frontend printed meanwhile; at the second time it does nothing.
func (t *terminalHolder) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.giveBack == nil {
		return
	}
	t.giveBack()
	t.giveBack = nil
	_, _ = t.held.WriteTo(t.out)
}

// releaseOnSignals gives the terminal back before a signal ends this process; Ctrl-C in a shell is none.
func releaseOnSignals() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
		case got := <-signals:
			terminal.release()
			signal.Stop(signals)
			if got != syscall.SIGINT { // which main handles: it cancels the call
				_ = syscall.Kill(os.Getpid(), got.(syscall.Signal))
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// NeedTerminal returns an error that says what is missing for a shell. With --interactive, it comes before anything is
// built: later, it would take the place of the failure for which the shell is opened.
func NeedTerminal() error {
	_, err := findScreen()
	return err
}

// findScreen returns standard output, or standard error if only that is a terminal.
func findScreen() (*os.File, error) {
	const advice = " Run the call in a terminal, with its input and output not redirected (through ssh: ssh -t)." +
		" Where there is no terminal, end the call with `with-exec --args COMMAND,ARGUMENT stdout` instead of" +
		" `terminal`, and leave out --interactive."
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, errors.New("A shell needs a terminal, and standard input is not one." + advice)
	}
	for _, file := range []*os.File{os.Stdout, os.Stderr} {
		if term.IsTerminal(int(file.Fd())) {
			return file, nil
		}
	}
	return nil, errors.New("A shell needs a terminal, and neither standard output nor standard error is one." + advice)
}

// keys reads standard input until it is stopped, so that no key typed after a shell is lost to it.
type keys struct{ stopped *os.File }

func newKeys() (*keys, func(), error) {
	stopped, stop, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return &keys{stopped}, func() { stop.Close() }, nil
}

func (k *keys) Read(buffer []byte) (int, error) {
	for {
		ready := []unix.PollFd{
			{Fd: int32(os.Stdin.Fd()), Events: unix.POLLIN},
			{Fd: int32(k.stopped.Fd()), Events: unix.POLLIN},
		}
		_, err := unix.Poll(ready, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case ready[1].Revents != 0:
			k.stopped.Close()
			return 0, io.EOF
		default:
			return os.Stdin.Read(buffer)
		}
	}
}

// rawText writes text to a terminal in raw mode, which does not return to the first column at the end of a line.
type rawText struct {
	out  io.Writer
	last byte
}

func (r *rawText) Write(text []byte) (int, error) {
	var raw bytes.Buffer
	for _, char := range text {
		if char == '\n' && r.last != '\r' {
			raw.WriteByte('\r')
		}
		raw.WriteByte(char)
		r.last = char
	}
	if _, err := r.out.Write(raw.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}
