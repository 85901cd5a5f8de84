package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"testzone/telemetry/mavlink"
)

// listen takes the datagrams of the ground station.
func (c *Client) listen(ctx context.Context) error {
	buf := make([]byte, maxDatagram+1) // one more shows that a datagram was cut
	for {
		n, from, err := c.udp.ReadFromUDPAddrPort(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("gateway: receive on %s: %w", c.cfg.Listen, err)
		case err != nil || n == 0: // an ICMP error of something that was sent; the socket lives
			continue
		}
		if n > maxDatagram {
			c.count(func(r *Report) { r.Received++; r.Oversized++ })
			continue
		}
		c.take(buf[:n], route{udp: from})
	}
}

// take queues a datagram and learns where its systems are.
func (c *Client) take(datagram []byte, from route) {
	at := c.clock.now()
	forbidden, answers := c.framer.SetsUpSigning(datagram), false
	c.mu.Lock()
	c.report.Received++
	if forbidden {
		c.report.Forbidden++
	} else {
		c.framer.Split(datagram, func(_ []byte, h mavlink.Header) {
			c.routes[h.System] = from
			answers = answers || isAnswer(h.ID)
		})
	}
	c.mu.Unlock()
	if !forbidden {
		c.queue.put(datagram, at, answers)
	}
}

// isAnswer reports whether a message is part of an exchange: who asked waits for
// it, and no newer one takes its place.
func isAnswer(id uint32) bool {
	switch id {
	case 22, // PARAM_VALUE
		39, 40, 44, 45, 47, 51, 73, // MISSION_ITEM, _REQUEST, _COUNT, _CLEAR_ALL, _ACK, _REQUEST_INT, _ITEM_INT
		77,  // COMMAND_ACK
		110, // FILE_TRANSFER_PROTOCOL
		111, // TIMESYNC
		148, // AUTOPILOT_VERSION
		253, // STATUSTEXT
		345: // PARAM_ERROR
		return true
	}
	return false
}

// keepPort holds the serial device open and takes its frames.
func (c *Client) keepPort(ctx context.Context) {
	wait := mavlink.Backoff{Min: time.Second, Max: 10 * time.Second}
	for ctx.Err() == nil {
		opened, err := c.readPort(ctx)
		if opened {
			wait.Reset()
		}
		if ctx.Err() == nil {
			c.cfg.Logger.Warn("serial device is not open", "device", c.cfg.Device, "err", err)
			wait.Wait(ctx)
		}
	}
}

func (c *Client) readPort(ctx context.Context) (opened bool, err error) {
	port, err := mavlink.OpenPort(c.cfg.Device, c.cfg.Baud)
	if err != nil {
		return false, err
	}
	defer port.Close()
	defer context.AfterFunc(ctx, func() { _ = port.Close() })()
	c.mu.Lock()
	c.port = port
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.port = nil
		c.mu.Unlock()
	}()
	c.cfg.Logger.Info("serial device is open", "device", c.cfg.Device)
	buf := make([]byte, 4096)
	held := 0
	for {
		n, err := port.Read(buf[held:])
		if n > 0 {
			rest := c.framer.Split(buf[:held+n], func(frame []byte, _ mavlink.Header) {
				c.take(frame, route{serial: true})
			})
			held = copy(buf, rest)
		}
		if err != nil {
			return true, err
		}
	}
}

// portTime is how long a serial device may take for a frame.
const portTime = 500 * time.Millisecond

var errNoRoute = errors.New("the system was never heard, or its serial device is not open")

// deliver sends a frame to where its system id was heard last.
func (c *Client) deliver(d downlink) {
	add := func(r *Report) *uint64 { return &r.Delivered }
	if c.framer.SetsUpSigning(d.frame) {
		add = func(r *Report) *uint64 { return &r.Forbidden }
	} else if _, good := c.framer.Parse(d.frame); !good {
		add = func(r *Report) *uint64 { return &r.Malformed }
	} else if c.clock.now() > d.until {
		add = func(r *Report) *uint64 { return &r.Expired }
	} else if c.write(d.system, d.frame) != nil {
		add = func(r *Report) *uint64 { return &r.Unroutable }
	}
	c.count(func(r *Report) { *add(r)++ })
}

func (c *Client) write(system uint8, frame []byte) error {
	c.mu.Lock()
	to, port := c.routes[system], c.port
	c.mu.Unlock()
	switch {
	case to.udp.IsValid():
		_, err := c.udp.WriteToUDPAddrPort(frame, to.udp)
		return err
	case !to.serial || port == nil:
		return errNoRoute
	}
	if err := port.SetWriteDeadline(time.Now().Add(portTime)); err != nil {
		return err
	}
	_, err := port.Write(frame)
	return err
}
